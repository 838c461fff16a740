/* A new middleware in C: counts the requests of a route and stamps the number on their responses; refuses methods that
 * the configuration names; hides words in the body on its way.
 *
 *   - middleware: stamp
 *     config: { field: x-stamp, refuse: DELETE, hide: secret }
 *
 * patches/examples/stamp does the same in Rust; a test compares the two.
 *
 *   cc -std=c11 -O2 -fPIC -shared -fvisibility=hidden -I patches/abi/include -o stamp.so stamp.c
 */
#include "forebay_patch.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const forebay_host *host;

/* A text that is ours. */
typedef struct {
  char *bytes;
  size_t len;
} text;

typedef struct {
  text field;
  text refuse;
  text hide;
  _Atomic uint64_t count;
} stamp;

static forebay_slice slice_of(const char *literal) {
  return (forebay_slice){(const uint8_t *)literal, strlen(literal)};
}

static forebay_slice slice_of_text(text value) {
  return (forebay_slice){(const uint8_t *)value.bytes, value.len};
}

static forebay_status failed(forebay_call call, const char *reason) {
  host->fail(call, slice_of(reason));
  return FOREBAY_FAILED;
}

/* The setting at a pointer as a text; empty if there is none. */
static forebay_status setting(forebay_call call, const char *pointer, text *out) {
  forebay_value value;
  forebay_status status = host->config(call, slice_of(pointer), &value);
  *out = (text){NULL, 0};
  if (status == FOREBAY_ABSENT || value.kind == FOREBAY_VALUE_NONE) return status < 0 ? status : FOREBAY_OK;
  if (status != FOREBAY_OK) return status;
  if (value.kind != FOREBAY_VALUE_TEXT) {
    char reason[80];
    snprintf(reason, sizeof reason, "config.%s is not a text", pointer + 1);
    return failed(call, reason);
  }
  out->bytes = malloc(value.text.len + 1);
  if (out->bytes == NULL) return failed(call, "out of memory");
  memcpy(out->bytes, value.text.ptr, value.text.len);
  out->bytes[value.text.len] = 0;
  out->len = value.text.len;
  return FOREBAY_OK;
}

static void destroy(void *instance) {
  stamp *self = instance;
  free(self->field.bytes);
  free(self->refuse.bytes);
  free(self->hide.bytes);
  free(self);
}

static forebay_status create(forebay_call call, void **instance) {
  stamp *self = calloc(1, sizeof *self);
  if (self == NULL) return failed(call, "out of memory");
  forebay_status status = setting(call, "/field", &self->field);
  if (status == FOREBAY_OK && self->field.len == 0) {
    status = failed(call, "config.field is missing: expected the name of a header field");
  }
  if (status == FOREBAY_OK) status = setting(call, "/refuse", &self->refuse);
  if (status == FOREBAY_OK) status = setting(call, "/hide", &self->hide);
  if (status != FOREBAY_OK) {
    destroy(self);
    return FOREBAY_FAILED;
  }
  *instance = self;
  return FOREBAY_OK;
}

static forebay_status on_request(void *instance, forebay_call call) {
  stamp *self = instance;
  uint64_t number = atomic_fetch_add_explicit(&self->count, 1, memory_order_relaxed) + 1;
  forebay_slice method;
  if (host->text(call, FOREBAY_TEXT_METHOD, &method) != FOREBAY_OK) return FOREBAY_FAILED;
  if (method.len == self->refuse.len && memcmp(method.ptr, self->refuse.bytes, method.len) == 0) {
    static const char rest[] = " is refused here\n";
    host->log(call, FOREBAY_LOG_INFO, slice_of("refused"));
    size_t len = self->refuse.len + sizeof rest - 1;
    char *body = malloc(len);
    if (body == NULL) return failed(call, "out of memory");
    memcpy(body, self->refuse.bytes, self->refuse.len);
    memcpy(body + self->refuse.len, rest, sizeof rest - 1);
    forebay_status status = host->reply(call, 405, (forebay_slice){(const uint8_t *)body, len});
    free(body);
    if (status != FOREBAY_OK) return FOREBAY_FAILED;
    status = host->add_header(call, FOREBAY_REPLY_SIDE, slice_of("content-type"), slice_of("text/plain"));
    return status == FOREBAY_OK ? FOREBAY_REPLY : FOREBAY_FAILED;
  }
  forebay_value value = {.kind = FOREBAY_VALUE_INTEGER, .integer = (int64_t)number};
  return host->set_variable(call, slice_of("stamp"), &value) == FOREBAY_OK ? FOREBAY_OK : FOREBAY_FAILED;
}

/* A body on its way: the end of what has come, which may be the beginning of the word. */
typedef struct {
  uint8_t *held;
  size_t len;
} body;

static forebay_status on_response(void *instance, forebay_call call) {
  stamp *self = instance;
  forebay_value value;
  if (host->variable(call, slice_of("stamp"), &value) == FOREBAY_OK && value.kind == FOREBAY_VALUE_INTEGER) {
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)value.integer);
    if (host->set_header(call, FOREBAY_RESPONSE_SIDE, slice_of_text(self->field), slice_of(number)) != FOREBAY_OK) {
      return FOREBAY_FAILED;
    }
  }
  if (self->hide.len > 0) {
    body *state = calloc(1, sizeof *state);
    if (state == NULL) return failed(call, "out of memory");
    if (host->stream_body(call, FOREBAY_RESPONSE_SIDE, 0, state) != FOREBAY_OK) {
      free(state);
      return FOREBAY_FAILED;
    }
  }
  return FOREBAY_OK;
}

static forebay_status write_out(forebay_call call, const uint8_t *bytes, size_t len) {
  return host->chunk_write(call, (forebay_slice){bytes, len});
}

static forebay_status on_chunk(void *instance, void *state, forebay_call call, const forebay_chunk *chunk) {
  stamp *self = instance;
  body *passing = state;
  size_t word = self->hide.len, len = passing->len + chunk->data.len, at = 0;
  uint8_t *all = malloc(len + 1);
  if (all == NULL) return failed(call, "out of memory");
  if (passing->len > 0) memcpy(all, passing->held, passing->len);
  if (chunk->data.len > 0) memcpy(all + passing->len, chunk->data.ptr, chunk->data.len);
  for (size_t i = 0; i + word <= len;) {
    if (memcmp(all + i, self->hide.bytes, word) == 0) {
      memset(all + i, '*', word);
      i += word;
      at = i;
    } else {
      i++;
    }
  }
  /* The longest end that is a beginning of the word has to wait for what follows, unless nothing does. */
  size_t kept = (chunk->flags & FOREBAY_CHUNK_LAST) ? 0 : word - 1;
  if (kept > len - at) kept = len - at;
  while (kept > 0 && memcmp(all + len - kept, self->hide.bytes, kept) != 0) kept--;
  forebay_status status = write_out(call, all, len - kept);
  uint8_t *held = NULL;
  if (kept > 0) {
    held = malloc(kept);
    if (held != NULL) memcpy(held, all + len - kept, kept);
  }
  free(all);
  free(passing->held);
  passing->held = held;
  passing->len = held == NULL ? 0 : kept;
  if (kept > 0 && held == NULL) return failed(call, "out of memory");
  return status == FOREBAY_OK ? FOREBAY_REPLACED : FOREBAY_FAILED;
}

static void stream_end(void *instance, void *state) {
  (void)instance;
  body *passing = state;
  free(passing->held);
  free(passing);
}

static forebay_status self_test(forebay_call call) {
  host->log(call, FOREBAY_LOG_DEBUG, slice_of("stamp tests itself"));
  return FOREBAY_OK;
}

static const forebay_middleware middleware = {
    .size = sizeof(forebay_middleware),
    .hooks = FOREBAY_HOOK_REQUEST | FOREBAY_HOOK_RESPONSE,
    .create = create,
    .destroy = destroy,
    .on_request = on_request,
    .on_response = on_response,
    .on_chunk = on_chunk,
    .stream_end = stream_end,
};

static const forebay_component component = {
    .size = sizeof(forebay_component),
    .kind = FOREBAY_KIND_MIDDLEWARE,
    .mode = FOREBAY_MODE_ADD,
    .id = FOREBAY_TEXT("stamp"),
    .version = FOREBAY_TEXT("1.0.0"),
    .table = &middleware,
};

static const forebay_component *const components[] = {&component};

forebay_status forebay_patch_v1(const forebay_host *given, forebay_patch *patch) {
  *patch = (forebay_patch){
      .size = sizeof(forebay_patch),
      .abi_major = FOREBAY_ABI_MAJOR,
      .abi_minor = FOREBAY_ABI_MINOR,
      .needs = FOREBAY_FEATURE_STREAM,
      .id = FOREBAY_TEXT("stamp"),
      .version = FOREBAY_TEXT("1.0.0"),
      .description = FOREBAY_TEXT("stamps responses, refuses a method, hides a word"),
      .gateway = FOREBAY_TEXT(">=0.1.0, <0.2.0"),
      .components = components,
      .component_count = 1,
      .self_test = self_test,
  };
  if (!FOREBAY_IS_SUPPORTED_BY(given)) return FOREBAY_UNSUPPORTED;
  host = given;
  return FOREBAY_OK;
}
