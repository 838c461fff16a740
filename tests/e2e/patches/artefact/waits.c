/* Middleware `wait`: waits for what the field x-do of the request names, and answers with what it came to.
 * `config.url` is where it sends requests to. */
#include "common.h"

typedef struct { char url[256]; } step;

static atomic_int waiting, cancelled;

static forebay_status create(forebay_call call, void **instance) {
    step *self = calloc(1, sizeof *self);
    forebay_value url;
    /* Settings can be read here, and nothing can be waited for. */
    if (host->config(call, slice("/url"), &url) != FOREBAY_OK || url.text.len >= sizeof self->url
        || host->sleep(call, 1) != FOREBAY_CANNOT_WAIT) {
        free(self);
        host->fail(call, slice("config.url is missing"));
        return FOREBAY_FAILED;
    }
    memcpy(self->url, url.text.ptr, url.text.len);
    *instance = self;
    return FOREBAY_OK;
}

static void destroy(void *instance) { free(instance); }

static forebay_status say(forebay_call call, const char *text) {
    return host->reply(call, 200, slice(text)) == FOREBAY_OK ? FOREBAY_REPLY : failed(call);
}

/* Two requests at once, one of them to where nothing is allowed. */
static forebay_status fetch(step *self, forebay_call call) {
    forebay_field field = { slice("X-From"), slice("patch") };
    forebay_http_request first = { .size = sizeof first, .method = slice("POST"), .url = slice(self->url),
        .headers = { &field, 1 }, .body = slice("asked") };
    forebay_http_request second = { .size = sizeof second, .url = slice("http://192.0.2.1/") };
    forebay_http_answer one = { .size = sizeof one }, two = { .size = sizeof two };
    const forebay_http_request *requests[] = { &first, &second };
    forebay_http_answer *answers[] = { &one, &two };
    if (host->http(call, requests, answers, 2) != FOREBAY_OK) return failed(call);
    char text[512];
    snprintf(text, sizeof text, "%u %.*s; %u %.*s", one.status, (int)one.body.len, (const char *)one.body.ptr,
        two.status, (int)two.error.len, (const char *)two.error.ptr);
    return say(call, text);
}

/* What the store says, step by step. */
static forebay_status count(forebay_call call) {
    int64_t sum, left;
    forebay_slice value;
    char text[128];
    if (host->kv_increment(call, slice("count"), 2, 0, &sum) != FOREBAY_OK) return failed(call);
    if (host->kv_set(call, slice("word"), slice("kept"), 60000, 1) < 0) return failed(call);
    if (host->kv_set(call, slice("word"), slice("lost"), 60000, 1) != FOREBAY_ABSENT) return failed(call);
    if (host->kv_ttl(call, slice("word"), &left) != FOREBAY_OK || left < 1 || left > 60000) return failed(call);
    if (host->kv_get(call, slice("word"), &value) != FOREBAY_OK) return failed(call);
    snprintf(text, sizeof text, "%lld %.*s", (long long)sum, (int)value.len, (const char *)value.ptr);
    if (host->kv_delete(call, slice("word")) != FOREBAY_OK) return failed(call);
    return host->kv_get(call, slice("word"), &value) == FOREBAY_ABSENT ? say(call, text) : failed(call);
}

/* Sleeps until another request has set the key that the body names. */
static forebay_status wait_for_another(forebay_call call) {
    forebay_slice body, value;
    char key[64];
    forebay_status status = host->body(call, FOREBAY_REQUEST_SIDE, &body);
    if (status != FOREBAY_OK || body.len >= sizeof key) return failed(call);
    memcpy(key, body.ptr, body.len);
    key[body.len] = 0;
    waiting++;
    do {
        status = host->kv_get(call, slice(key), &value);
        if (status == FOREBAY_ABSENT) status = host->sleep(call, 1) == FOREBAY_OK ? FOREBAY_ABSENT : FOREBAY_CANCELLED;
    } while (status == FOREBAY_ABSENT);
    waiting--;
    if (status == FOREBAY_OK) return say(call, "it was set");
    /* From now on every wait says so at once. */
    if (host->sleep(call, 100000) != FOREBAY_OK) cancelled++;
    return failed(call);
}

static forebay_status on_request(void *instance, forebay_call call) {
    forebay_slice wanted = request_header(call, "x-do");
    char text[64];
    if (is(wanted, "http")) return fetch(instance, call);
    if (is(wanted, "kv")) return count(call);
    if (is(wanted, "wait")) return wait_for_another(call);
    if (is(wanted, "set")) {
        forebay_slice key = request_header(call, "x-key");
        return host->kv_set(call, key, slice("1"), 0, 0) == FOREBAY_OK ? say(call, "set") : failed(call);
    }
    snprintf(text, sizeof text, "waiting %d, cancelled %d", waiting, cancelled);
    return is(wanted, "tell") ? say(call, text) : FOREBAY_OK;
}

/* The upstream's body, after a moment. */
static forebay_status on_response(void *instance, forebay_call call) {
    (void)instance;
    forebay_slice body;
    if (host->sleep(call, 1) != FOREBAY_OK) return failed(call);
    if (host->body(call, FOREBAY_RESPONSE_SIDE, &body) != FOREBAY_OK) return failed(call);
    return set_number(call, FOREBAY_RESPONSE_SIDE, "x-length", (long long)body.len);
}

static const forebay_middleware table = {
    .size = sizeof table,
    .hooks = FOREBAY_HOOK_REQUEST | FOREBAY_HOOK_RESPONSE,
    .waits = FOREBAY_HOOK_REQUEST | FOREBAY_HOOK_RESPONSE,
    .create = create,
    .destroy = destroy,
    .on_request = on_request,
    .on_response = on_response,
};
PATCH("waits", FOREBAY_KIND_MIDDLEWARE, FOREBAY_MODE_ADD, "wait", table)
