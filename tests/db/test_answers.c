/*
 * test_answers.c - every route of every surface: no byte of an answer leaves before what it rests
 * on is durable, and every transaction can be run again from its start.
 */
#include "base/clock.h"
#include "base/number.h"
#include "support/drive.h"
#include "surfaces.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ROUTES_MAX = 512, DUMP_MAX = 64 * 1024 * 1024 };

/* ---- answers are durable ---- */

static struct {
    const struct route *route;
    bool asked; /* an answer below 500 ran a statement */
} seen[ROUTES_MAX];
static size_t seen_count;

static void check_answer(struct drive *drive)
{
    const char *what = drive->route ? drive->route->pattern : "no route";
    if (drive->early > 0)
        fail_msg("%s: %d left before what it rests on was durable", what, drive->status);
    if (drive->status >= 500)
        fail_msg("%s: %d: %s", what, drive->status, memory_io_body(&drive->io));
    for (size_t i = 0; i < seen_count; i++) {
        if (seen[i].route == drive->route)
            seen[i].asked = seen[i].asked || drive->asked;
    }
}

static void expect_all_routes(void)
{
    seen_count = 0;
    for (size_t s = 0; s < surfaces_count; s++) {
        for (size_t i = 0; i < surfaces[s]->route_count; i++) {
            assert_true(seen_count < ROUTES_MAX);
            seen[seen_count].route = &surfaces[s]->routes[i];
            seen[seen_count++].asked = false;
        }
    }
}

static void run_script(struct drive *drive, void (*check)(struct drive *drive))
{
    size_t count = 0;
    const struct drive_step *steps = drive_script(&count);
    for (size_t i = 0; i < count; i++) {
        drive_ask(drive, &steps[i]);
        check(drive);
    }
}

static void test_no_answer_leaves_before_what_it_rests_on_is_durable(void **state)
{
    struct drive drive;
    size_t unasked = 0;
    (void)state;
    drive_begin(&drive, 1, true);
    expect_all_routes();
    run_script(&drive, check_answer);
    drive_routes(&drive, false, check_answer);
    drive_routes(&drive, true, check_answer);
    for (size_t i = 0; i < seen_count; i++) {
        if (seen[i].asked || seen[i].route->right == RIGHT_NONE)
            continue;
        print_error("%s %s\n", seen[i].route->method, seen[i].route->pattern);
        unasked++;
    }
    if (unasked > 0)
        fail_msg("%zu routes asked the database for nothing: give them rows in drive_script.c",
                 unasked);
    drive_end(&drive);
}

/* ---- bodies run again ---- */

/* Everything that the requests were answered, and the rows that they have left. */
static struct text *story;

/* Whether the digits behind at say how long something took, or depend on how long that text is. */
static bool is_measured(const char *text, size_t at)
{
    static const char *const before[] = { "_OFFLINE in ",
                                          "\"secs\":", "\"nanos\":", "Content-Length: " };
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        const size_t len = strlen(before[i]);
        if (at >= len && memcmp(text + at - len, before[i], len) == 0)
            return true;
    }
    return false;
}

static void tell(struct drive *drive)
{
    const char *reply = memory_io_reply(&drive->io);
    text_addf(story, "%s %d\n", drive->route ? drive->route->pattern : "no route", drive->status);
    for (size_t at = 0; at < drive->io.reply.len; at++) {
        if (is_measured(reply, at))
            at += strspn(reply + at, "0123456789");
        text_add(story, reply + at, 1);
    }
    text_adds(story, "\n");
}

/* The clock's own milliseconds are of each run: digits of a time within an hour become zeros. */
static void mask_times(struct text *out)
{
    enum { HOUR_MS = 3600 * 1000 };
    const int64_t now = clock_now_ms();
    for (char *at = out->data; at < out->data + out->len;) {
        const size_t len = strspn(at, "0123456789");
        uint64_t number = 0;
        if (len > 0 && number_u64(at, len, &number) && (int64_t)number > now - HOUR_MS &&
            (int64_t)number < now + HOUR_MS)
            memset(at, '0', len);
        at += len > 0 ? len : 1;
    }
}

static void tell_all(int runs, struct text *out)
{
    struct drive drive;
    story = out;
    drive_begin(&drive, runs, false);
    run_script(&drive, tell);
    drive_dump(&drive, out);
    drive_routes(&drive, false, tell);
    drive_routes(&drive, true, tell);
    drive_dump(&drive, out);
    drive_end(&drive);
    assert_false(text_failed(out));
    mask_times(out);
}

static void test_a_body_that_is_run_again_leaves_what_it_leaves_when_it_is_run_once(void **state)
{
    enum { SHOWN = 400 };
    struct text once;
    struct text twice;
    size_t same = 0;
    size_t line = 0;
    (void)state;
    text_init(&once, DUMP_MAX);
    text_init(&twice, DUMP_MAX);
    tell_all(1, &once);
    tell_all(2, &twice);
    while (same < once.len && same < twice.len && once.data[same] == twice.data[same]) {
        line = once.data[same] == '\n' ? same + 1 : line;
        same++;
    }
    if (same < once.len || same < twice.len) {
        fail_msg("once:\n%.*s\ntwice:\n%.*s", SHOWN, text_string(&once) + line, SHOWN,
                 text_string(&twice) + line);
    }
    text_release(&once);
    text_release(&twice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_answer_leaves_before_what_it_rests_on_is_durable),
        cmocka_unit_test(test_a_body_that_is_run_again_leaves_what_it_leaves_when_it_is_run_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
