/* A filter of access records: masks the client, adds a field, drops records of /health, fails for /fail. Counts what it
 * drops in the metric `dropped`. */
#include "common.h"

static forebay_status filter(void *instance, forebay_call call, const forebay_access_record *record) {
    (void)instance;
    if (is(record->target, "/health")) {
        host->metric(call, slice("dropped"), FOREBAY_METRIC_COUNT, 1);
        return FOREBAY_DROP;
    }
    forebay_value masked = { .kind = FOREBAY_VALUE_TEXT, .text = slice("masked") };
    forebay_value status = { .kind = FOREBAY_VALUE_INTEGER, .integer = record->status };
    if (host->access_field(call, slice("client"), &masked) != FOREBAY_OK) return failed(call);
    if (host->access_field(call, slice("seen"), &status) != FOREBAY_OK) return failed(call);
    return is(record->target, "/fail") ? FOREBAY_FAILED : FOREBAY_OK;
}

static const forebay_access_filter table = { .size = sizeof table, .filter = filter };
PATCH("records", FOREBAY_KIND_ACCESS_FILTER, FOREBAY_MODE_ADD, "records", table)
