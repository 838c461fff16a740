/* What the patches of tests have in common: the host's functions, and a descriptor with one component. */
#pragma once
#include "forebay_patch.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const forebay_host *host;

static inline forebay_slice slice(const char *text) {
    return (forebay_slice){ (const uint8_t *)text, strlen(text) };
}

static inline int is(forebay_slice one, const char *other) {
    return one.len == strlen(other) && (one.len == 0 || memcmp(one.ptr, other, one.len) == 0);
}

/* The first value of a header field of the request; absent if there is none. */
static inline forebay_slice request_header(forebay_call call, const char *name) {
    forebay_slice value;
    host->header(call, FOREBAY_REQUEST_SIDE, slice(name), 0, &value);
    return value;
}

static inline forebay_status set_number(forebay_call call, uint32_t side, const char *name, long long number) {
    char text[32];
    snprintf(text, sizeof text, "%lld", number);
    return host->set_header(call, side, slice(name), slice(text));
}

/* Fails with the reason of the function that failed. */
static inline forebay_status failed(forebay_call call) {
    forebay_slice reason;
    if (host->last_error(call, &reason) == FOREBAY_OK) host->fail(call, reason);
    return FOREBAY_FAILED;
}

/* Defines the entry of a patch NAME with one component. */
#define PATCH(NAME, KIND, MODE, ID, TABLE)                                                          \
    static const forebay_component component = { .size = sizeof component, .kind = KIND,            \
        .mode = MODE, .id = FOREBAY_TEXT(ID), .version = FOREBAY_TEXT("1.0.0"), .table = &TABLE };  \
    static const forebay_component *const components[] = { &component };                            \
    FOREBAY_EXPORT forebay_status forebay_patch_v1(const forebay_host *given, forebay_patch *p) {   \
        host = given;                                                                               \
        *p = (forebay_patch){ .size = sizeof *p, .abi_major = FOREBAY_ABI_MAJOR,                    \
            .abi_minor = FOREBAY_ABI_MINOR, .id = FOREBAY_TEXT(NAME),                               \
            .version = FOREBAY_TEXT("1.0.0"), .components = components, .component_count = 1 };     \
        return FOREBAY_OK;                                                                          \
    }
