/* Takes the place of the error page: HTML, but for what does not accept it, and for errors of status 405, where it fails.
 * Counts its pages in the metric `pages`. */
#include "common.h"

static forebay_status render(void *instance, forebay_call call, const forebay_error_info *error) {
    (void)instance;
    char text[256];
    if (error->status == 405) {
        host->fail(call, slice("no page for that"));
        return FOREBAY_FAILED;
    }
    if (is(error->accept, "application/json")) return FOREBAY_OK;
    host->metric(call, slice("pages"), FOREBAY_METRIC_COUNT, 1);
    snprintf(text, sizeof text, "<h1>%u %.*s</h1>", error->status, (int)error->kind.len, (const char *)error->kind.ptr);
    if (host->reply(call, error->status, slice(text)) != FOREBAY_OK) return failed(call);
    if (host->set_header(call, FOREBAY_REPLY_SIDE, slice("content-type"), slice("text/html")) != FOREBAY_OK) {
        return failed(call);
    }
    return FOREBAY_REPLY;
}

static const forebay_error_page table = { .size = sizeof table, .render = render };
PATCH("page", FOREBAY_KIND_ERROR_PAGE, FOREBAY_MODE_OVERRIDE, "problem_details", table)
