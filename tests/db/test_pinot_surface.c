/*
 * The Pinot surface over memory: real database, real blob store, no web server.  What each answer
 * holds is tested over HTTP; here that no byte of one leaves before what it rests on is durable, for
 * every route of the surface.
 */
#include "base/arena.h"
#include "blob/blob.h"
#include "db/pinot_store_config.h"
#include "db/sqlite/sqlite.h"
#include "http/route.h"
#include "pinot/pinot.h"
#include "support/state.h"
#include "tests/unit/support/memory_io.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT = 1024, STATUS_INTERNAL = 500 };

static struct {
    struct state state;
    struct db *db;
    struct db *other; /* another process, as it were: it commits and does not sync */
    struct blob_store *blobs;
    struct arena *arena;
    struct config config;
    const char *route; /* pattern of the last request's route */
    enum fault (*write)(void *ctx, const void *bytes, size_t len, struct problem *why);
    bool unsettled; /* a byte of the last answer left too early */
} rig;

static int set_up(void **unused)
{
    char *const environment[] = { strdup("SLUICE_AUTH=open"), NULL };
    char path[STATE_PATH_MAX];
    struct problem why = PROBLEM_NONE;
    (void)unused;
    state_make(&rig.state, true);
    state_migrate(&rig.state);
    rig.db = state_open(&rig.state);
    rig.other = state_open(&rig.state);
    state_path(&rig.state, "blobs", path);
    rig.arena = arena_create(ARENA_MAX);
    assert_int_equal(blob_open(path, 1, &rig.blobs, &why), FAULT_NONE);
    assert_int_equal(config_load(&rig.config, environment, &why), FAULT_NONE);
    free(environment[0]);
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static int tear_down(void **unused)
{
    enum { DESCRIPTORS = 8 };
    char path[STATE_PATH_MAX];
    (void)unused;
    blob_close(rig.blobs);
    state_path(&rig.state, "blobs", path);
    assert_int_equal(nftw(path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS), 0);
    db_close(rig.other);
    db_close(rig.db);
    arena_destroy(rig.arena);
    state_remove(&rig.state);
    return 0;
}

static enum fault anything(void *ctx, const struct pinot_configs_there *there, struct problem *why)
{
    (void)ctx;
    (void)there;
    (void)why;
    return FAULT_NONE;
}

/* Somebody commits, so that whatever is read next may not be durable. */
static void commit_elsewhere(void)
{
    static int64_t now = 1;
    struct problem why = PROBLEM_NONE;
    const struct pinot_configs configs = {
        .raw = "elsewhere", .schema = "{}", .now = now++, .decide = anything
    };
    assert_int_equal(pinot_store_configs_put(rig.other, &configs, &why), FAULT_NONE);
}

static bool all_durable(void)
{
    const struct counters *c = rig.db->counters;
    return atomic_load(&c->durable) >= atomic_load(&c->begun);
}

static enum fault checked_write(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    rig.unsettled = rig.unsettled || !all_durable();
    return rig.write(ctx, bytes, len, why);
}

static int ask(const char *method, const char *address, const char *body)
{
    static const struct surface *const surfaces[] = { &pinot_surface };
    static const char form[] = "multipart/form-data; boundary=b";
    char length[TEXT];
    struct memory_io io;
    struct problem why = PROBLEM_NONE;
    struct exchange x = { .config = &rig.config, .db = rig.db, .blobs = rig.blobs, .now = 1 };
    memory_io_init(&io, method, address);
    (void)snprintf(length, sizeof length, "%zu", strlen(body));
    memory_io_param(&io, "CONTENT_LENGTH", length);
    memory_io_param(&io, "SERVER_ADDR", "127.0.0.1");
    memory_io_param(&io, "CONTENT_TYPE", body[0] == '-' ? form : "application/json");
    io.body = body;
    io.body_len = strlen(body);
    x.arena = rig.arena;
    x.io = memory_io_exchange(&io);
    rig.write = x.io.write;
    rig.unsettled = false;
    x.io.write = checked_write;
    assert_int_equal(exchange_open(&x, &why), FAULT_NONE);
    (void)route_serve(&x, surfaces, 1, &pinot_surface, &why);
    assert_int_equal(x.reply, REPLY_DONE);
    rig.route = x.route ? x.route->pattern : "";
    db_rollback(rig.db);
    blob_drop(rig.blobs);
    exchange_close(&x);
    memory_io_release(&io);
    arena_reset(rig.arena);
    return x.status;
}

#define SCHEMA "{\"schemaName\":\"t\"}"
#define TABLE "{\"tableName\":\"t\",\"tableType\":\"OFFLINE\"}"
#define NO_TABLE "{\"tableName\":\"none\",\"tableType\":\"OFFLINE\"}"
#define GROUP                                                                                      \
    "{\"tableName\":\"g\",\"schema\":{\"schemaName\":\"g\"},\"offline\":{\"tableName\":\"g\","     \
    "\"tableType\":\"OFFLINE\"}}"
#define FORM "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nx\r\n--b--\r\n"

/* In order: each may rest on those before. */
static const struct {
    const char *method;
    const char *address;
    const char *body;
    int status;
} cases[] = {
    { "GET", "/schemas", "", 200 },
    { "GET", "/schemas/t", "", 404 },
    { "PUT", "/schemas/t", SCHEMA, 404 },
    { "DELETE", "/schemas/t", "", 404 },
    { "POST", "/tables", TABLE, 400 },
    { "POST", "/schemas", SCHEMA, 200 },
    { "POST", "/schemas?override=false", SCHEMA, 409 },
    { "PUT", "/schemas/t", SCHEMA, 200 },
    { "GET", "/schemas/t", "", 200 },
    { "PUT", "/tables/t", TABLE, 404 },
    { "GET", "/tables/t", "", 404 },
    { "GET", "/tables/t/size", "", 404 },
    { "DELETE", "/tables/t", "", 404 },
    { "POST", "/tables", TABLE, 200 },
    { "POST", "/tables", TABLE, 409 },
    { "PUT", "/tables/t", TABLE, 200 },
    { "GET", "/tables", "", 200 },
    { "GET", "/tables/t", "", 200 },
    { "GET", "/tables/t/schema", "", 200 },
    { "GET", "/tables/none/schema", "", 404 },
    { "GET", "/tables/t/size", "", 200 },
    { "DELETE", "/schemas/t", "", 409 },
    { "GET", "/segments/t", "", 200 },
    { "GET", "/segments/none", "", 404 },
    { "GET", "/segments/t/crc", "", 200 },
    { "GET", "/segments/t/metadata", "", 200 },
    { "GET", "/segments/t/zkmetadata", "", 200 },
    { "GET", "/segments/t/s/metadata", "", 404 },
    { "GET", "/segments/t/s", "", 404 },
    { "GET", "/segments/t/select", "", 200 },
    { "GET", "/segments/t/lineage?type=OFFLINE", "", 200 },
    { "POST", "/segments/t/startReplaceSegments?type=OFFLINE", "{\"segmentsTo\":[\"a\"]}", 200 },
    { "POST", "/segments/t/startReplaceSegments?type=OFFLINE", "{\"segmentsFrom\":[\"a\"]}", 400 },
    { "POST", "/segments/t/endReplaceSegments?type=OFFLINE&segmentLineageEntryId=x", "", 400 },
    { "POST", "/segments/t/revertReplaceSegments?type=OFFLINE&segmentLineageEntryId=x", "", 400 },
    { "GET", "/segments/t/lineage?type=OFFLINE", "", 200 },
    { "POST", "/segments/batchUpload?tableName=none&tableType=OFFLINE", FORM, 400 },
    { "POST", "/segments/batchUpload?tableName=t&tableType=OFFLINE", FORM, 400 },
    { "POST", "/segments?tableName=none", FORM, 400 },
    { "POST", "/segments?tableName=t", FORM, 400 },
    { "POST", "/v2/segments?tableName=none", FORM, 400 },
    { "DELETE", "/segments/t/s", "", 200 },
    { "DELETE", "/segments/none/s", "", 404 },
    { "POST", "/segments/t/delete", "[\"s\"]", 200 },
    { "DELETE", "/segments/t?type=OFFLINE", "", 200 },
    { "DELETE", "/tables/t", "", 200 },
    { "DELETE", "/schemas/t", "", 200 },
    { "POST", "/segments/batchUpload/?tableName=none&tableType=OFFLINE", FORM, 400 },
    { "POST", "/tables/validate", TABLE, 400 },
    { "POST", "/schemas/validate", SCHEMA, 200 },
    { "PUT", "/tableConfigs/g", GROUP, 400 },
    { "POST", "/tableConfigs", GROUP, 200 },
    { "POST", "/tableConfigs", GROUP, 400 },
    { "PUT", "/tableConfigs/g", GROUP, 200 },
    { "POST", "/tableConfigs/validate", GROUP, 200 },
    { "GET", "/tableConfigs", "", 200 },
    { "GET", "/tableConfigs/g", "", 200 },
    { "GET", "/tableConfigs/none", "", 404 },
    { "DELETE", "/tableConfigs/g", "", 200 },
    { "DELETE", "/tableConfigs/g", "", 200 },
    { "GET", "/version", "", 200 },
};

static void test_no_answer_leaves_before_what_it_rests_on_is_durable(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        commit_elsewhere();
        assert_false(all_durable());
        const int status = ask(cases[i].method, cases[i].address, cases[i].body);
        const bool reads = strcmp(cases[i].address, "/version") != 0;
        if (status != cases[i].status || (reads && rig.unsettled))
            print_error("%s %s\n", cases[i].method, cases[i].address);
        assert_int_equal(status, cases[i].status);
        assert_true(status < STATUS_INTERNAL);
        assert_int_equal(rig.unsettled, !reads);
    }
}

static bool is_covered(const struct route *route)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)ask(cases[i].method, cases[i].address, cases[i].body);
        if (strcmp(cases[i].method, route->method) == 0 && strcmp(rig.route, route->pattern) == 0)
            return true;
    }
    return false;
}

static void test_every_route_has_a_case(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < pinot_surface.route_count; i++) {
        if (!is_covered(&pinot_surface.routes[i]))
            print_error("%s\n", pinot_surface.routes[i].pattern);
        assert_true(is_covered(&pinot_surface.routes[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_answer_leaves_before_what_it_rests_on_is_durable,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_route_has_a_case, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
