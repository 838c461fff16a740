/* A patch for tests. Macros say what it is and what it does wrong; without any it is a good one. */
#include "forebay_patch.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef ID
#define ID "fix"
#endif
#ifndef VERSION
#define VERSION "1.0.0"
#endif
#ifndef MARK
#define MARK "patch"
#endif
#ifndef GATEWAY
#define GATEWAY "*"
#endif
#ifndef COMPONENT
#define COMPONENT "headers"
#endif
#ifndef MODE
#define MODE FOREBAY_MODE_OVERRIDE
#endif
#ifndef MAJOR
#define MAJOR FOREBAY_ABI_MAJOR
#endif
#ifndef MINOR
#define MINOR FOREBAY_ABI_MINOR
#endif
#ifndef ENTRY
#define ENTRY forebay_patch_v1
#endif
#ifndef BITS
#define BITS
#endif
#ifndef IN_CONSTRUCTOR
#define IN_CONSTRUCTOR
#endif
#ifndef IN_SELF_TEST
#define IN_SELF_TEST return FOREBAY_OK
#endif
#ifndef IN_REQUEST
#define IN_REQUEST
#endif

#define TEXT(literal) { (const uint8_t *)(literal), sizeof(literal) - 1 }

static const forebay_host *host;
/* Requests of this process, all workers together. */
static atomic_int requests;

static int has_header(forebay_call call, const char *name) {
    forebay_slice wanted = { (const uint8_t *)name, strlen(name) }, value;
    return host->header(call, FOREBAY_REQUEST_SIDE, wanted, 0, &value) == FOREBAY_OK;
}

__attribute__((constructor)) static void constructor(void) { IN_CONSTRUCTOR; }

static forebay_status self_test(forebay_call call) {
    (void)call;
    IN_SELF_TEST;
}

static forebay_status create(forebay_call call, void **instance) {
    (void)call;
    *instance = NULL;
    return FOREBAY_OK;
}

static forebay_status on_request(void *instance, forebay_call call) {
    (void)instance;
    int number = atomic_fetch_add(&requests, 1) + 1;
    (void)number;
    (void)has_header(call, "x-none");
    IN_REQUEST;
    return FOREBAY_OK;
}

static forebay_status on_response(void *instance, forebay_call call) {
    (void)instance;
    forebay_slice name = TEXT("x-served-by"), value = TEXT(MARK);
    return host->set_header(call, FOREBAY_RESPONSE_SIDE, name, value);
}

static const forebay_middleware table = {
    .size = sizeof table,
    .hooks = FOREBAY_HOOK_REQUEST | FOREBAY_HOOK_RESPONSE,
    BITS
    .create = create,
    .on_request = on_request,
    .on_response = on_response,
};
static const forebay_component component = {
    .size = sizeof component,
    .kind = FOREBAY_KIND_MIDDLEWARE,
    .mode = MODE,
    .id = TEXT(COMPONENT),
    .version = TEXT(VERSION),
    .table = &table,
};
static const forebay_component *const components[] = { &component };

FOREBAY_EXPORT forebay_status ENTRY(const forebay_host *given, forebay_patch *patch) {
    host = given;
    *patch = (forebay_patch){
        .size = sizeof *patch,
        .abi_major = MAJOR,
        .abi_minor = MINOR,
        .id = TEXT(ID),
        .version = TEXT(VERSION),
        .gateway = TEXT(GATEWAY),
        .components = components,
        .component_count = 1,
        .self_test = self_test,
    };
    return FOREBAY_OK;
}
