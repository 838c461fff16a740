/* Middleware `stream`: passes bodies on chunk by chunk. What it does with them is said by the field x-stream of the
 * request; `config.mark` stands at the end of each body that is changed. Answers tell in x-streams how many bodies are
 * under way, and in x-chunks how many chunks there were in all. */
#include "common.h"

#include <ctype.h>

typedef struct { char mark[16]; } step;
typedef struct { char mode[16]; size_t seen; } body;

static atomic_int under_way, chunks;

static forebay_status create(forebay_call call, void **instance) {
    step *self = calloc(1, sizeof *self);
    forebay_value mark;
    if (host->config(call, slice("/mark"), &mark) == FOREBAY_OK && mark.text.len < sizeof self->mark) {
        memcpy(self->mark, mark.text.ptr, mark.text.len);
    }
    *instance = self;
    return FOREBAY_OK;
}

static void destroy(void *instance) { free(instance); }

static forebay_status begin(forebay_call call, uint32_t side) {
    forebay_slice mode = request_header(call, "x-stream");
    if (mode.ptr == NULL) return FOREBAY_OK;
    body *state = calloc(1, sizeof *state);
    memcpy(state->mode, mode.ptr, mode.len < sizeof state->mode ? mode.len : sizeof state->mode - 1);
    int looks = strcmp(state->mode, "look") == 0 || strcmp(state->mode, "cheat") == 0;
    if (host->stream_body(call, side, looks ? FOREBAY_STREAM_INSPECT : 0, state) != FOREBAY_OK) {
        free(state);
        return failed(call);
    }
    under_way++;
    return FOREBAY_OK;
}

static forebay_status on_request(void *instance, forebay_call call) {
    (void)instance;
    set_number(call, FOREBAY_ANSWER_SIDE, "x-streams", under_way);
    set_number(call, FOREBAY_ANSWER_SIDE, "x-chunks", chunks);
    return is(request_header(call, "x-side"), "response") ? FOREBAY_OK : begin(call, FOREBAY_REQUEST_SIDE);
}

static forebay_status on_response(void *instance, forebay_call call) {
    (void)instance;
    return is(request_header(call, "x-side"), "request") ? FOREBAY_OK : begin(call, FOREBAY_RESPONSE_SIDE);
}

static forebay_status on_chunk(void *instance, void *state, forebay_call call, const forebay_chunk *chunk) {
    step *self = instance;
    body *passing = state;
    chunks++;
    if (chunk->offset != passing->seen) return FOREBAY_FAILED;
    passing->seen += chunk->data.len;
    /* The request is somebody else's business by now. */
    if (host->set_header(call, FOREBAY_REQUEST_SIDE, slice("x"), slice("y")) != FOREBAY_UNAVAILABLE) {
        return FOREBAY_FAILED;
    }
    if (strcmp(passing->mode, "look") == 0) return FOREBAY_OK;
    if (strcmp(passing->mode, "break") == 0 && memchr(chunk->data.ptr, '!', chunk->data.len)) {
        host->fail(call, slice("an exclamation mark"));
        return FOREBAY_FAILED;
    }
    if (strcmp(passing->mode, "swallow") != 0) {
        for (size_t i = 0; i < chunk->data.len; i++) {
            uint8_t byte = (uint8_t)toupper(chunk->data.ptr[i]);
            if (host->chunk_write(call, (forebay_slice){ &byte, 1 }) != FOREBAY_OK) return failed(call);
        }
    }
    if (chunk->flags & FOREBAY_CHUNK_LAST) host->chunk_write(call, slice(self->mark));
    return FOREBAY_REPLACED;
}

static void stream_end(void *instance, void *state) {
    (void)instance;
    free(state);
    under_way--;
}

static const forebay_middleware table = {
    .size = sizeof table,
    .hooks = FOREBAY_HOOK_REQUEST | FOREBAY_HOOK_RESPONSE,
    .create = create,
    .destroy = destroy,
    .on_request = on_request,
    .on_response = on_response,
    .on_chunk = on_chunk,
    .stream_end = stream_end,
};
PATCH("streams", FOREBAY_KIND_MIDDLEWARE, FOREBAY_MODE_ADD, "stream", table)
