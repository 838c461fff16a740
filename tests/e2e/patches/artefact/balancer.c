/* Takes the place of the balancer round_robin: the last target that has not been tried, or the one whose index the field
 * x-target names; none for another word. Counts its choices in the metric `choices`. */
#include "common.h"

static forebay_status create(forebay_call call, void **instance) {
    forebay_value upstream;
    *instance = NULL;
    return host->config(call, slice("/upstream"), &upstream) == FOREBAY_OK ? FOREBAY_OK : failed(call);
}

static forebay_status pick(void *instance, forebay_call call, const forebay_targets *targets, size_t *chosen) {
    (void)instance;
    host->metric(call, slice("choices"), FOREBAY_METRIC_COUNT, 1);
    forebay_slice wanted = request_header(call, "x-target");
    if (wanted.len == 1) {
        *chosen = (size_t)(wanted.ptr[0] - '0');
        return FOREBAY_OK;
    }
    if (wanted.len > 1) return FOREBAY_ABSENT;
    for (size_t i = targets->len; i-- > 0;) {
        const forebay_target *target = (const void *)((const char *)targets->ptr + i * targets->stride);
        if (target->standing != FOREBAY_STANDING_TRIED) {
            *chosen = i;
            return FOREBAY_OK;
        }
    }
    return FOREBAY_ABSENT;
}

static const forebay_balancer table = { .size = sizeof table, .create = create, .pick = pick };
PATCH("last", FOREBAY_KIND_BALANCER, FOREBAY_MODE_OVERRIDE, "round_robin", table)
