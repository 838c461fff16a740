/* The C ABI between the API gateway Forebay and its native patches.
 *
 * Generated from the crate forebay-patch-abi; do not edit. The rules that hold everywhere:
 *
 * - Append only: within one major nothing is removed, moved or given another meaning. Tables begin with their size in
 *   bytes as their author knew it; set it to sizeof.
 * - A patch loads if its major is the host's and its minor is not newer.
 * - Nothing allocated on one side is freed by the other. What is passed to a function is copied if it is needed longer.
 * - A slice from the host is valid until the callback returns, or, earlier, until the patch calls a function that
 *   changes the same thing or one that waits.
 * - A call is good on the thread of its callback and until that returns; anything else is refused, and touches nothing.
 * - Callbacks of one instance run on several threads at once, except create and destroy.
 * - No exception or panic crosses the boundary.
 */

#pragma once

#include <stddef.h>
#include <stdint.h>

// Major version of this ABI: the number in the entry symbol's name.
#define FOREBAY_ABI_MAJOR 1

// Minor version of this ABI: raised whenever something is added.
#define FOREBAY_ABI_MINOR 0

// Least number of bytes, all zero, that a host sets aside for the patch's descriptor, so that a patch
// newer than the host cannot write beyond it.
#define FOREBAY_PATCH_BYTES_MIN 1024

// The host lets callbacks wait.
#define FOREBAY_FEATURE_WAIT (1 << 0)

// The host passes bodies chunk by chunk.
#define FOREBAY_FEATURE_STREAM (1 << 1)

// The host takes load balancers.
#define FOREBAY_FEATURE_BALANCER (1 << 2)

// The host takes key lookups.
#define FOREBAY_FEATURE_KEY_LOOKUP (1 << 3)

// The host takes error pages.
#define FOREBAY_FEATURE_ERROR_PAGE (1 << 4)

// The host takes access-record filters.
#define FOREBAY_FEATURE_ACCESS_FILTER (1 << 5)

// A middleware; table `forebay_middleware`.
#define FOREBAY_KIND_MIDDLEWARE 1

// A load balancer; table `forebay_balancer`.
#define FOREBAY_KIND_BALANCER 2

// A lookup of credentials; table `forebay_key_lookup`.
#define FOREBAY_KIND_KEY_LOOKUP 3

// A renderer of error pages; table `forebay_error_page`.
#define FOREBAY_KIND_ERROR_PAGE 4

// A filter of access records; table `forebay_access_filter`.
#define FOREBAY_KIND_ACCESS_FILTER 5

// The component is new; a component of this id in the gateway is a conflict.
#define FOREBAY_MODE_ADD 0

// The component takes the place of the one of this id, which must exist.
#define FOREBAY_MODE_OVERRIDE 1

// Flag of a middleware that answers CORS preflight requests: its routes take those for their methods too.
#define FOREBAY_MIDDLEWARE_ANSWERS_PREFLIGHT (1 << 0)

// Bit of `on_request` in `hooks`, `waits` and `bodies`.
#define FOREBAY_HOOK_REQUEST (1 << 0)

// Bit of `on_response`.
#define FOREBAY_HOOK_RESPONSE (1 << 1)

// Bit of `on_error`.
#define FOREBAY_HOOK_ERROR (1 << 2)

// Bit of `on_log`.
#define FOREBAY_HOOK_LOG (1 << 3)

// The request.
#define FOREBAY_REQUEST_SIDE 0

// The response; there is none before the upstream has answered.
#define FOREBAY_RESPONSE_SIDE 1

// The reply that `reply`, or the error that `refuse`, has begun in this callback.
#define FOREBAY_REPLY_SIDE 2

// The answer to come, whoever makes it: upstream, step or gateway. Header fields can be set, added and removed, and not
// read; that is done when all steps have run, in the order asked for.
#define FOREBAY_ANSWER_SIDE 3

// For `stream_body`: the chunks are looked at and never changed, so the message keeps its length.
#define FOREBAY_STREAM_INSPECT (1 << 0)

// For a chunk: it is the last, and may be empty.
#define FOREBAY_CHUNK_LAST (1 << 0)

// Id of the request. Available in every callback of an exchange.
#define FOREBAY_TEXT_REQUEST_ID 1

// Method. Can be set in the request phase.
#define FOREBAY_TEXT_METHOD 2

// Target in origin form: path and query. Can be set in the request phase, and is sent as given; the route is not
// chosen again.
#define FOREBAY_TEXT_TARGET 3

// Path. Can be set in the request phase; the query stays.
#define FOREBAY_TEXT_PATH 4

// Query without its question mark; absent if there is none.
#define FOREBAY_TEXT_QUERY 5

// Target as it was received.
#define FOREBAY_TEXT_RAW_TARGET 6

// Host the client asked for, lower case.
#define FOREBAY_TEXT_HOST 7

// `http` or `https`.
#define FOREBAY_TEXT_SCHEME 8

// Name of the route.
#define FOREBAY_TEXT_ROUTE 9

// Address of the client, as text.
#define FOREBAY_TEXT_CLIENT_IP 10

// Address of the client: 4 or 16 bytes, most significant first.
#define FOREBAY_BYTES_CLIENT_IP 11

// Name of the upstream a step chose; absent if none did. Can be set in the request phase.
#define FOREBAY_TEXT_UPSTREAM 12

// `upstream`, `step` or `gateway`: who made the response.
#define FOREBAY_TEXT_ORIGIN 13

// Address of the server that answered; absent unless one did.
#define FOREBAY_TEXT_SERVER 14

// Stable word for the error that is about to be answered. In `on_error`.
#define FOREBAY_TEXT_FAILURE_KIND 15

// What the client is told of it. In `on_error`.
#define FOREBAY_TEXT_FAILURE_MESSAGE 16

// How the exchange ended. In `on_log`.
#define FOREBAY_TEXT_END_REASON 17

// Status of the response, or of the reply that was begun. Can be set.
#define FOREBAY_NUMBER_STATUS 1

// Port of the client's connection.
#define FOREBAY_NUMBER_CLIENT_PORT 2

// Protocol version of the client's request: 10 or 11 for HTTP/1, 20, 30.
#define FOREBAY_NUMBER_HTTP_VERSION 3

// How often the request was sent upstream.
#define FOREBAY_NUMBER_ATTEMPT 4

// Microseconds until the head of the upstream's response; absent unless a server answered.
#define FOREBAY_NUMBER_SERVER_MICROSECONDS 5

// Status of the error that is about to be answered. In `on_error`.
#define FOREBAY_NUMBER_FAILURE_STATUS 6

// Microseconds from the request's head to the response's last byte. In `on_log`, as are those below.
#define FOREBAY_NUMBER_TOTAL_MICROSECONDS 7

// Microseconds spent waiting for upstreams.
#define FOREBAY_NUMBER_UPSTREAM_MICROSECONDS 8

// Microseconds spent in steps.
#define FOREBAY_NUMBER_STEPS_MICROSECONDS 9

// Body bytes received from the client.
#define FOREBAY_NUMBER_REQUEST_BYTES 10

// Body bytes sent to the client.
#define FOREBAY_NUMBER_RESPONSE_BYTES 11

// Wall clock when the request began, microseconds since 1970-01-01 UTC.
#define FOREBAY_NUMBER_STARTED_UNIX_MICROSECONDS 12

// Most bytes of the request's body; absent where the configuration's limit holds. Can be set in the request phase; a
// larger body is answered 413.
#define FOREBAY_NUMBER_REQUEST_BODY_MAX 13

// Nothing.
#define FOREBAY_VALUE_NONE 0

// Yes or no, in `boolean`.
#define FOREBAY_VALUE_BOOL 1

// In `integer`.
#define FOREBAY_VALUE_INTEGER 2

// In `real`.
#define FOREBAY_VALUE_REAL 3

// UTF-8, in `text`.
#define FOREBAY_VALUE_TEXT 4

// Bytes, in `text`.
#define FOREBAY_VALUE_BYTES 5

// An array or object as JSON, in `text`.
#define FOREBAY_VALUE_JSON 6

// Nothing speaks against the target.
#define FOREBAY_STANDING_FREE 0

// All its connections are busy.
#define FOREBAY_STANDING_SATURATED 1

// It could not be connected to a moment ago.
#define FOREBAY_STANDING_AWAY 2

// This request has tried it, and it is not tried again.
#define FOREBAY_STANDING_TRIED 3

// Finest.
#define FOREBAY_LOG_TRACE 0

// For the author.
#define FOREBAY_LOG_DEBUG 1

// Usual.
#define FOREBAY_LOG_INFO 2

// Something an operator should see.
#define FOREBAY_LOG_WARN 3

// Something an operator must see.
#define FOREBAY_LOG_ERROR 4

// Adds to a counter.
#define FOREBAY_METRIC_COUNT 0

// Sets a gauge.
#define FOREBAY_METRIC_GAUGE 1

// What a function came to. Zero and above is success of some kind, below is failure; see the constants.
typedef int32_t forebay_status;

// Bytes that belong to somebody else.
//
// From the host: valid until the callback returns, or until the patch changes what they are part of or calls a
// function that waits, whichever is first. An absent value has `ptr` null; an empty one has not.
// To the host: read before the function returns. `ptr` may be null if `len` is 0.
typedef struct forebay_slice {
  // First byte.
  const uint8_t *ptr;
  // Number of bytes, at most `PTRDIFF_MAX`.
  size_t len;
} forebay_slice;

// Names one callback under way. Never 0, never used twice by a thread. Good on the thread of its callback until
// that returns; afterwards every host function refuses it with `FOREBAY_STALE`.
typedef uint64_t forebay_call;

// A typed value: a variable, a setting, a part of an identity.
//
// `kind` says which field counts. The others are 0.
typedef struct forebay_value {
  // One of `FOREBAY_VALUE_...`. A kind the reader does not know is to be treated as an error.
  uint32_t kind;
  // `FOREBAY_VALUE_BOOL`: 0 or 1.
  uint32_t boolean;
  // `FOREBAY_VALUE_INTEGER`.
  int64_t integer;
  // `FOREBAY_VALUE_REAL`: any, infinities and not-a-number included.
  double real;
  // `FOREBAY_VALUE_TEXT` (UTF-8), `FOREBAY_VALUE_BYTES`, `FOREBAY_VALUE_JSON` (an array or object as text).
  struct forebay_slice text;
} forebay_value;

// One header field.
typedef struct forebay_field {
  // Name: from the host lower case, to the host in any case.
  struct forebay_slice name;
  // Value: bytes without CR, LF and NUL.
  struct forebay_slice value;
} forebay_field;

// Header fields in their order, several of one name beside one another.
typedef struct forebay_fields {
  // First field; may be null if `len` is 0. Valid as a `forebay_slice` from the host is.
  const struct forebay_field *ptr;
  // Number of fields.
  size_t len;
} forebay_fields;

// An outbound request.
typedef struct forebay_http_request {
  // Size of this table as the patch was built with it.
  size_t size;
  // Method; `GET` if absent.
  struct forebay_slice method;
  // Absolute URL; must be one that the configuration allows.
  struct forebay_slice url;
  // Header fields.
  struct forebay_fields headers;
  // Body; absent for none.
  struct forebay_slice body;
  // Milliseconds for the whole request; 0 for the configured time.
  uint64_t timeout_milliseconds;
} forebay_http_request;

// The answer to an outbound request. Set by the host up to `size`.
typedef struct forebay_http_answer {
  // Size of this table; set by the patch before the call.
  size_t size;
  // Status; 0 if there was no answer.
  uint32_t status;
  // Header fields. These slices, unlike others, are valid until the callback returns.
  struct forebay_fields headers;
  // Body. Valid as the header fields are.
  struct forebay_slice body;
  // Why there was no answer; absent if there was one. Valid as the header fields are.
  struct forebay_slice error;
} forebay_http_answer;

// The host's functions. One table for the whole process, at one address until it ends; none of them is null.
//
// Every function takes the call it is made for and may be called on its thread only. All return `FOREBAY_OK` or
// what stands at each; any may return `FOREBAY_STALE`, `FOREBAY_INVALID` and `FOREBAY_UNAVAILABLE`. Where a
// function gives something through a pointer, that is set to zero or absent unless it returns `FOREBAY_OK`, and
// must not be null. "Waits" means: only in callbacks that may wait; may return `FOREBAY_CANNOT_WAIT`,
// `FOREBAY_EXPIRED` and `FOREBAY_CANCELLED`; the worker serves other requests meanwhile, on the same thread.
typedef struct forebay_host {
  // Size of this table as the host was built with it.
  size_t size;
  // The host's major.
  uint32_t abi_major;
  // The host's minor.
  uint32_t abi_minor;
  // What the host can do: `FOREBAY_FEATURE_...`.
  uint64_t features;
  // Version of the gateway. Valid until the process ends.
  struct forebay_slice version;
  // Says why the callback is about to return a failure. For the operator, never for a client.
  forebay_status (*fail)(forebay_call call, struct forebay_slice reason);
  // The reason of the last failure of a function for this call, for people. Absent if there was none.
  forebay_status (*last_error)(forebay_call call, struct forebay_slice *reason);
  // Begins the reply of this callback, dropping one begun earlier. `status` is 200 to 599.
  forebay_status (*reply)(forebay_call call, uint32_t status, struct forebay_slice body);
  // Begins an error that the gateway answers, as it answers its own, to a request that is not let through: error
  // steps and the error page may shape it. `status` is 400 to 599; `kind` is a stable word for logs,
  // `[a-z][a-z0-9_]*`, at most 64 bytes; the client is told `message`.
  forebay_status (*refuse)(forebay_call call,
                           uint32_t status,
                           struct forebay_slice kind,
                           struct forebay_slice message);
  // Gives the result of a lookup.
  forebay_status (*result)(forebay_call call, const struct forebay_value *value);
  // A text of the exchange, `FOREBAY_TEXT_...`; `FOREBAY_ABSENT` where there is none.
  forebay_status (*text)(forebay_call call, uint32_t which, struct forebay_slice *text);
  // Sets a text of the exchange that can be set.
  forebay_status (*set_text)(forebay_call call, uint32_t which, struct forebay_slice text);
  // A number of the exchange, `FOREBAY_NUMBER_...`; `FOREBAY_ABSENT` where there is none.
  forebay_status (*number)(forebay_call call, uint32_t which, int64_t *number);
  // Sets a number of the exchange that can be set.
  forebay_status (*set_number)(forebay_call call, uint32_t which, int64_t number);
  // Value number `nth` (from 0) of a header field of a message, by name in any case; `FOREBAY_ABSENT` if there
  // are fewer.
  forebay_status (*header)(forebay_call call,
                           uint32_t side,
                           struct forebay_slice name,
                           size_t nth,
                           struct forebay_slice *value);
  // All header fields of a message.
  forebay_status (*headers)(forebay_call call, uint32_t side, struct forebay_fields *fields);
  // Sets a header field, removing other values of that name. `FOREBAY_REFUSED` for fields that are the gateway's
  // own: those of the connection, of the framing, and `forebay_host`.
  forebay_status (*set_header)(forebay_call call,
                               uint32_t side,
                               struct forebay_slice name,
                               struct forebay_slice value);
  // Adds a header field beside others of that name. As `set_header`.
  forebay_status (*add_header)(forebay_call call,
                               uint32_t side,
                               struct forebay_slice name,
                               struct forebay_slice value);
  // Removes all values of a header field; `FOREBAY_ABSENT` if there was none. As `set_header`.
  forebay_status (*remove_header)(forebay_call call, uint32_t side, struct forebay_slice name);
  // A parameter of the route's path, decoded; `FOREBAY_ABSENT` if there is none of that name.
  forebay_status (*parameter)(forebay_call call, struct forebay_slice name, struct forebay_slice *value);
  // A variable of the exchange, `req.vars[name]` in scripts; `FOREBAY_ABSENT` if it is not set.
  forebay_status (*variable)(forebay_call call, struct forebay_slice name, struct forebay_value *value);
  // Sets a variable of the exchange; `FOREBAY_VALUE_NONE` removes it.
  forebay_status (*set_variable)(forebay_call call,
                                 struct forebay_slice name,
                                 const struct forebay_value *value);
  // Who the caller is, `req.identity` in scripts, or one entry of it if `name` is present; `FOREBAY_ABSENT` if
  // nobody has said so.
  forebay_status (*identity)(forebay_call call, struct forebay_slice name, struct forebay_value *value);
  // Says who the caller is; `FOREBAY_VALUE_NONE` for nobody.
  forebay_status (*set_identity)(forebay_call call, const struct forebay_value *value);
  // The whole body of a message. Waits, unless it has been read, replaced or is empty. `FOREBAY_UNREACHABLE`
  // if it broke off or is larger than the configuration allows.
  forebay_status (*body)(forebay_call call, uint32_t side, struct forebay_slice *body);
  // Replaces the body of a message. Header fields that described the old one (`Content-Encoding`, `ETag`, digests)
  // go; `Content-Length` follows by itself.
  forebay_status (*set_body)(forebay_call call, uint32_t side, struct forebay_slice body);
  // From now on the chunks of this body go through `on_chunk` of the middleware, with this state. The request's
  // in the request phase, the response's in the response phase. `flags` is 0 or `FOREBAY_STREAM_INSPECT`; without
  // it the message's length is unknown to the client, and header fields that described the body go. A body that
  // is in memory when it is sent comes as one chunk; an empty one has no chunks.
  forebay_status (*stream_body)(forebay_call call, uint32_t side, uint32_t flags, void *state);
  // Adds bytes to what is passed on instead of the chunk. In `on_chunk` only.
  forebay_status (*chunk_write)(forebay_call call, struct forebay_slice data);
  // A setting by JSON pointer (RFC 6901): `/burst`, `/keys/0`; the empty pointer is all of it, as JSON. Texts
  // stay valid until the callback returns. In `create` only. `FOREBAY_ABSENT` if there is none.
  forebay_status (*config)(forebay_call call, struct forebay_slice pointer, struct forebay_value *value);
  // An environment variable. In hooks of middleware and in key lookups; not in `create`, because an instance outlives
  // reloads that change what may be read. `FOREBAY_REFUSED` for one that the configuration does not name;
  // `FOREBAY_ABSENT` if it is not set.
  forebay_status (*environment)(forebay_call call, struct forebay_slice name, struct forebay_slice *value);
  // A secret of the configuration. Where `environment` is to be had, for the same reason. `FOREBAY_REFUSED` if there is none of that name.
  forebay_status (*secret)(forebay_call call, struct forebay_slice name, struct forebay_slice *value);
  // Writes a line to the log, `FOREBAY_LOG_...`. At most 8 KiB of it.
  forebay_status (*log)(forebay_call call, uint32_t level, struct forebay_slice message);
  // Adds to a counter or sets a gauge, `FOREBAY_METRIC_...`. Names are `[a-z_]+`, at most 64 bytes.
  // Counted while requests are served, whatever the component; in `create` and the self-test it does nothing.
  forebay_status (*metric)(forebay_call call, struct forebay_slice name, uint32_t kind, double value);
  // Wall clock, nanoseconds since 1970-01-01 UTC.
  forebay_status (*unix_time)(forebay_call call, int64_t *nanoseconds);
  // Monotonic clock, nanoseconds since a start of its own, the same for all threads.
  forebay_status (*monotonic_time)(forebay_call call, uint64_t *nanoseconds);
  // Fills `len` bytes with random ones, fit for keys.
  forebay_status (*random)(forebay_call call, uint8_t *buffer, size_t len);
  // A value of the key-value store; `FOREBAY_ABSENT` if there is none. Keys are UTF-8 of 1 to 512 bytes. Waits.
  forebay_status (*kv_get)(forebay_call call, struct forebay_slice key, struct forebay_slice *value);
  // Stores a value for so many milliseconds (0: for ever). With `only_if_absent` 1, `FOREBAY_ABSENT` says that
  // nothing was stored because there was a value. Waits.
  forebay_status (*kv_set)(forebay_call call,
                           struct forebay_slice key,
                           struct forebay_slice value,
                           uint64_t ttl_milliseconds,
                           uint32_t only_if_absent);
  // Adds to a decimal number (0 if absent), gives the sum; a key that this makes lives so many milliseconds (0:
  // for ever). Waits.
  forebay_status (*kv_increment)(forebay_call call,
                                 struct forebay_slice key,
                                 int64_t by,
                                 uint64_t ttl_milliseconds,
                                 int64_t *sum);
  // Deletes a value; `FOREBAY_ABSENT` if there was none. Waits.
  forebay_status (*kv_delete)(forebay_call call, struct forebay_slice key);
  // Milliseconds a value has left, -1 for ever; `FOREBAY_ABSENT` if there is none. Waits.
  forebay_status (*kv_ttl)(forebay_call call, struct forebay_slice key, int64_t *milliseconds);
  // Goes on after so many milliseconds; 0 lets other requests have their turn. Waits.
  forebay_status (*sleep)(forebay_call call, uint64_t milliseconds);
  // Sends `count` requests at once and waits for all. `requests` and `answers` are arrays of `count` pointers.
  // `FOREBAY_OK` even if some had no answer: see each. Waits.
  forebay_status (*http)(forebay_call call,
                         const struct forebay_http_request *const *requests,
                         struct forebay_http_answer *const *answers,
                         size_t count);
  // Adds a field to the access record, or replaces one; `FOREBAY_VALUE_NONE` removes it. In `on_log` the field
  // is one of `extra`. In an access filter, `client`, `host` and `target` are replaced (with a text) and any
  // other name is one of `extra`.
  forebay_status (*access_field)(forebay_call call,
                                 struct forebay_slice name,
                                 const struct forebay_value *value);
  // The access record is not to be written. In `on_log`.
  forebay_status (*access_drop)(forebay_call call);
} forebay_host;

// One component of a patch. Valid until the process ends.
typedef struct forebay_component {
  // Size of this table as the patch was built with it.
  size_t size;
  // One of `FOREBAY_KIND_...`.
  uint32_t kind;
  // One of `FOREBAY_MODE_...`.
  uint32_t mode;
  // What it is called in the configuration: `[a-z][a-z0-9_-]*`, at most 64 bytes. A middleware that overrides a
  // script is called `script:NAME`.
  struct forebay_slice id;
  // Version of this implementation: `major.minor.patch`.
  struct forebay_slice version;
  // The table of its kind, which begins with its own size. Not null.
  const void *table;
} forebay_component;

// The descriptor. Filled by the patch; whatever it points to must stay valid until the process ends.
typedef struct forebay_patch {
  // Size of this table as the patch was built with it. This and the next two fields never move, whatever the major.
  size_t size;
  // `FOREBAY_ABI_MAJOR` it was built with.
  uint32_t abi_major;
  // Least minor it can do with; the `FOREBAY_ABI_MINOR` it was built with is always right.
  uint32_t abi_minor;
  // Feature bits it cannot do without. A host that lacks one refuses the patch.
  uint64_t needs;
  // Its name: `[a-z][a-z0-9_-]*`, at most 64 bytes.
  struct forebay_slice id;
  // Its version: `major.minor.patch`.
  struct forebay_slice version;
  // One line for people. May be absent.
  struct forebay_slice description;
  // Versions of the gateway it is meant for, as in `>=0.1.0, <0.3.0`. Absent for all. Outside of it the patch
  // is listed and does nothing: so a fix ends with the release that contains it.
  struct forebay_slice gateway;
  // Its components; `component_count` pointers, none null.
  const struct forebay_component *const *components;
  // Number of components, at least 1.
  size_t component_count;
  // Tries the patch before it serves: in a child process first, then once more when it is loaded. The call has
  // no exchange and no step; it may log, and may not wait. Anything but `FOREBAY_OK` refuses the patch, with the
  // reason given by `fail`. May be null.
  forebay_status (*self_test)(forebay_call call);
} forebay_patch;

// The one function that a patch exports, as `forebay_patch_v1`. Called once after the library was loaded, on a
// thread that serves no requests.
//
// `host` stays valid, at one address, until the process ends. `patch` is zeroed; it is valid during this call only
// and has room for at least `PATCH_BYTES_MIN` bytes. A patch that needs a newer minor than `host` has fills `size`,
// `abi_major` and `abi_minor` and returns `FOREBAY_UNSUPPORTED`; the host then reports both versions. Nothing else
// is to be done here: no threads, no files, no waiting.
typedef forebay_status (*forebay_entry)(const struct forebay_host *host, struct forebay_patch *patch);

// A chunk of a body on its way.
typedef struct forebay_chunk {
  // Size of this table as the host was built with it.
  size_t size;
  // `FOREBAY_CHUNK_LAST`, or 0.
  uint32_t flags;
  // `FOREBAY_REQUEST_SIDE` or `FOREBAY_RESPONSE_SIDE`.
  uint32_t side;
  // The bytes; may be empty in the last chunk. Valid until the callback returns.
  struct forebay_slice data;
  // Bytes of this body that came before this chunk.
  uint64_t offset;
} forebay_chunk;

// The callbacks of a middleware. An *instance* is one step of one route in one generation, with its settings.
//
// A hook returns `FOREBAY_OK` (go on), `FOREBAY_REPLY` (answer with what `reply` began), `FOREBAY_REFUSE` (answer the
// error that `refuse` began), `FOREBAY_FAILED` or `FOREBAY_PANICKED`. Anything else counts as failed.
typedef struct forebay_middleware {
  // Size of this table as the patch was built with it.
  size_t size;
  // Bits of the hooks that act. A bit whose function is null refuses the patch.
  uint32_t hooks;
  // Bits of the hooks that may wait. Those run on a stack of their own (of 1 MiB or more), the
  // others on the worker's, which costs less. `on_log` may wait as well.
  uint32_t waits;
  // `FOREBAY_MIDDLEWARE_...`, or 0.
  uint32_t flags;
  // Bits of the hooks before which the host reads the body of their message, so that `body` gives it without
  // waiting: the request's for `on_request`, the response's for `on_response`; no others, and none that is in `waits`.
  // Where it cannot be read the hook is not called, and the step has failed. Costs less than waiting; a hook
  // that refuses by the head alone, before a body has come, waits instead.
  uint32_t bodies;
  // Makes an instance. The settings are to be had from `config` of `call` and only here; waiting is not
  // possible. On success `*instance` is what the other callbacks get; it may be null. On failure the step's
  // configuration is refused with the reason given by `fail`. On the control thread. May be null: then every
  // instance is null and settings are refused.
  forebay_status (*create)(forebay_call call, void **instance);
  // Frees an instance. Called once, after its last callback has returned, on any thread. May be null.
  void (*destroy)(void *instance);
  // Before the upstream is asked.
  forebay_status (*on_request)(void *instance, forebay_call call);
  // After the head of a response has come. `FOREBAY_REPLY` replaces the response.
  forebay_status (*on_response)(void *instance, forebay_call call);
  // The gateway itself is about to answer an error. `FOREBAY_REPLY` replaces that answer.
  forebay_status (*on_error)(void *instance, forebay_call call);
  // After the last byte. The result does not change the answer any more.
  forebay_status (*on_log)(void *instance, forebay_call call);
  // A chunk of a body for which `stream_body` was called, with the `state` given there. Returns `FOREBAY_OK`
  // (pass it on untouched), `FOREBAY_REPLACED` (pass on what `chunk_write` was given, possibly nothing), or
  // a failure, which breaks the message off. On the worker's thread, one call at a time for one body; must not
  // wait. Of the host's functions those work that need no exchange. May be null.
  forebay_status (*on_chunk)(void *instance, void *state, forebay_call call, const struct forebay_chunk *chunk);
  // The body of `state` is over, completely or not, and no chunk follows: frees `state`. Called once for each
  // successful `stream_body`, on the thread of the chunks, before the instance is destroyed. May be null.
  void (*stream_end)(void *instance, void *state);
} forebay_middleware;

// A server that a balancer may choose.
typedef struct forebay_target {
  // `host:port`.
  struct forebay_slice address;
  // Its share, from 1.
  uint32_t weight;
  // Connections of this worker to it that are in use.
  uint32_t active;
  // One of `FOREBAY_STANDING_...`; the lower the better.
  uint32_t standing;
  // 0.
  uint32_t reserved;
} forebay_target;

// The servers of an upstream.
typedef struct forebay_targets {
  // Size of this table as the host was built with it.
  size_t size;
  // First target. Target `i` begins `i * stride` bytes further: a newer host's targets are larger.
  const struct forebay_target *ptr;
  // Number of targets, at least 1.
  size_t len;
  // Bytes from one target to the next.
  size_t stride;
  // Name of the upstream.
  struct forebay_slice upstream;
  // Number of this attempt, from 0.
  uint32_t attempt;
} forebay_targets;

// The callbacks of a load balancer. An instance belongs to one upstream of one generation and is used by every
// worker. In its `create`, `config` gives the upstream's name at `/upstream`.
typedef struct forebay_balancer {
  // Size of this table as the patch was built with it.
  size_t size;
  // As in a middleware.
  forebay_status (*create)(forebay_call call, void **instance);
  // As in a middleware.
  void (*destroy)(void *instance);
  // Chooses a target: sets `*chosen` to its index and returns `FOREBAY_OK`; `FOREBAY_ABSENT` if none will do.
  // Must not wait. Of the exchange, the header fields of the request can be read. Not null.
  forebay_status (*pick)(void *instance,
                         forebay_call call,
                         const struct forebay_targets *targets,
                         size_t *chosen);
} forebay_balancer;

// The callbacks of a lookup of credentials: from what a client presents to who that is.
typedef struct forebay_key_lookup {
  // Size of this table as the patch was built with it.
  size_t size;
  // 1 if `find` may wait, else 0.
  uint32_t waits;
  // As in a middleware.
  forebay_status (*create)(forebay_call call, void **instance);
  // As in a middleware.
  void (*destroy)(void *instance);
  // Looks a key up. Returns `FOREBAY_OK` after giving the identity with `result` (any value; an object is
  // usual), `FOREBAY_ABSENT` for an unknown key, or a failure, which lets nobody in. The exchange can be read and
  // not changed. Not null.
  forebay_status (*find)(void *instance, forebay_call call, struct forebay_slice key);
} forebay_key_lookup;

// An error that the gateway is about to answer.
typedef struct forebay_error_info {
  // Size of this table as the host was built with it.
  size_t size;
  // Status, 400 to 599.
  uint32_t status;
  // Stable word for the error.
  struct forebay_slice kind;
  // What the client may be told.
  struct forebay_slice message;
  // Id of the request.
  struct forebay_slice request_id;
  // The request's `Accept` field; absent if it has none.
  struct forebay_slice accept;
} forebay_error_info;

// The callbacks of a renderer of error pages. There is one instance, without settings.
typedef struct forebay_error_page {
  // Size of this table as the patch was built with it.
  size_t size;
  // As in a middleware.
  forebay_status (*create)(forebay_call call, void **instance);
  // As in a middleware.
  void (*destroy)(void *instance);
  // Renders the page with `reply` and header fields of the reply, and returns `FOREBAY_REPLY`; anything else
  // leaves the page to the gateway. The call has no exchange: some errors come before there is one. Must not
  // wait. Not null.
  forebay_status (*render)(void *instance, forebay_call call, const struct forebay_error_info *error);
} forebay_error_page;

// One exchange as the access log will tell it.
typedef struct forebay_access_record {
  // Size of this table as the host was built with it.
  size_t size;
  // Id of the request.
  struct forebay_slice request_id;
  // Address of the client.
  struct forebay_slice client;
  // Method.
  struct forebay_slice method;
  // Host the client asked for.
  struct forebay_slice host;
  // Target in origin form.
  struct forebay_slice target;
  // Name of the route; absent for a request without one.
  struct forebay_slice route;
  // How it ended.
  struct forebay_slice end_reason;
  // Address of the server that answered; absent unless one did.
  struct forebay_slice server;
  // Status as logged.
  uint32_t status;
  // How often it was sent upstream.
  uint32_t attempts;
  // Wall clock when it began, microseconds since 1970-01-01 UTC.
  uint64_t started_unix_microseconds;
  // Microseconds it took.
  uint64_t total_microseconds;
  // Microseconds of it spent waiting for upstreams.
  uint64_t upstream_microseconds;
  // Microseconds of it spent in steps.
  uint64_t steps_microseconds;
  // Body bytes received from the client.
  uint64_t request_bytes;
  // Body bytes sent to the client.
  uint64_t response_bytes;
} forebay_access_record;

// The callbacks of a filter of access records. There is one instance, without settings.
typedef struct forebay_access_filter {
  // Size of this table as the patch was built with it.
  size_t size;
  // As in a middleware.
  forebay_status (*create)(forebay_call call, void **instance);
  // As in a middleware.
  void (*destroy)(void *instance);
  // Looks at a record: `FOREBAY_OK` writes it, with the fields that `access_field` set, `FOREBAY_DROP` does
  // not. A failure writes it unchanged. Must not wait. Not null.
  forebay_status (*filter)(void *instance, forebay_call call, const struct forebay_access_record *record);
} forebay_access_filter;

// Done. From a hook of a middleware: go on with the next step. From a chunk callback: pass the chunk on as it is.
#define FOREBAY_OK 0

// From a hook: answer with the reply that was begun with `reply`.
#define FOREBAY_REPLY 1

// From a chunk callback: pass on what was written with `chunk_write` instead of the chunk.
#define FOREBAY_REPLACED 2

// From an access-record filter: do not write the record.
#define FOREBAY_DROP 3

// From a hook: do not let the request through; the gateway answers the error that was begun with `refuse`.
#define FOREBAY_REFUSE 5

// There is no such thing: header field, variable, key, target, setting.
#define FOREBAY_ABSENT 4

// The component failed; the reason was given with `fail`. What that means is the step's `on_error`.
#define FOREBAY_FAILED -1

// The component caught a panic or an exception of its own. As `FAILED`, and told apart in the log.
#define FOREBAY_PANICKED -2

// From the entry: the patch needs a newer minor than the host has, and has filled `abi_major` and `abi_minor`.
#define FOREBAY_UNSUPPORTED -3

// The call is not under way on this thread: it is over, or it belongs to another thread.
#define FOREBAY_STALE -4

// An argument is out of range, not UTF-8, not a header name, ... ; see `last_error`.
#define FOREBAY_INVALID -5

// Not to be had in this callback: no exchange, no response yet, no configuration any more.
#define FOREBAY_UNAVAILABLE -6

// This callback may not wait: its bit is not set in `waits`, or it is one that never may.
#define FOREBAY_CANNOT_WAIT -7

// The time of the call is used up. Every later wait says so too; return soon.
#define FOREBAY_EXPIRED -8

// Nobody waits for the result any more. Every later wait says so too; return soon.
#define FOREBAY_CANCELLED -9

// The host refuses: a header field that is the gateway's own, a variable or secret that may not be read. See
// `last_error`.
#define FOREBAY_REFUSED -10

// Something outside failed: a body that broke off, a server that did not answer. See `last_error`.
#define FOREBAY_UNREACHABLE -11

/* Marks the entry as visible, whatever the compiler's default. */
#if defined(__GNUC__)
#define FOREBAY_EXPORT __attribute__((visibility("default")))
#else
#define FOREBAY_EXPORT
#endif

/* A string literal as a slice. */
#define FOREBAY_TEXT(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}

/* Whether a host is new enough for what was built with this header. */
#define FOREBAY_IS_SUPPORTED_BY(host) ((host)->abi_minor + 1u > FOREBAY_ABI_MINOR)

#ifdef __cplusplus
extern "C" {
#endif

/* The one function a patch defines: see forebay_entry. */
FOREBAY_EXPORT forebay_status forebay_patch_v1(const forebay_host *host, forebay_patch *patch);

#ifdef __cplusplus
}
#endif
