/* Middleware `read`: says in x-request and x-response how long the bodies were, which the gateway has read for it; it never
 * waits. */
#include "common.h"

static forebay_status on_request(void *instance, forebay_call call) {
    (void)instance;
    forebay_slice body;
    if (host->body(call, FOREBAY_REQUEST_SIDE, &body) != FOREBAY_OK) return failed(call);
    return set_number(call, FOREBAY_ANSWER_SIDE, "x-request", (long long)body.len);
}

static forebay_status on_response(void *instance, forebay_call call) {
    (void)instance;
    forebay_slice body;
    if (host->body(call, FOREBAY_RESPONSE_SIDE, &body) != FOREBAY_OK) return failed(call);
    return set_number(call, FOREBAY_RESPONSE_SIDE, "x-response", (long long)body.len);
}

static const forebay_middleware table = {
    .size = sizeof table,
    .hooks = FOREBAY_HOOK_REQUEST | FOREBAY_HOOK_RESPONSE,
    .bodies = FOREBAY_HOOK_REQUEST | FOREBAY_HOOK_RESPONSE,
    .on_request = on_request,
    .on_response = on_response,
};
PATCH("reads", FOREBAY_KIND_MIDDLEWARE, FOREBAY_MODE_ADD, "read", table)
