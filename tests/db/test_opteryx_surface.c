/*
 * The Opteryx surface over memory: real database, real blob store, no web server.  What each answer
 * holds in detail is tested over HTTP; here every handler runs where the C tools can see it.
 */
#include "base/arena.h"
#include "blob/blob.h"
#include "db/opteryx_store.h"
#include "db/opteryx_store_dataset.h"
#include "db/sqlite/sqlite.h"
#include "http/route.h"
#include "ops/ops.h"
#include "opteryx/opteryx.h"
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

enum { TEXT = 1024, PARQUET_MAX = 64 * 1024 };

static const int64_t now_ms = 1790000000000;

static struct {
    struct state state;
    struct db *db;
    struct blob_store *blobs;
    struct arena *arena;
    struct config config;
    char session[TEXT];
    char commit[TEXT]; /* id of the last snapshot */
    char reply[MEMORY_REPLY_MAX / 4];
    uint8_t counter;
    int64_t now;
} rig;

static void keep_named(void *blobs)
{
    blob_keep(blobs);
}

static int set_up(void **unused)
{
    char *const environment[] = { strdup("SLUICE_AUTH=open"), NULL };
    char path[STATE_PATH_MAX];
    struct problem why = PROBLEM_NONE;
    (void)unused;
    state_make(&rig.state, true);
    state_migrate(&rig.state);
    rig.db = state_open(&rig.state);
    state_path(&rig.state, "blobs", path);
    rig.arena = arena_create(ARENA_MAX);
    rig.now = now_ms;
    assert_int_equal(blob_open(path, 1, &rig.blobs, &why), FAULT_NONE);
    db_when_named(rig.db, keep_named, rig.blobs);
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
    db_close(rig.db);
    arena_destroy(rig.arena);
    state_remove(&rig.state);
    return 0;
}

/* Puts the last session for "$S" and the last commit for "$C". */
static void expand(const char *from, char out[TEXT])
{
    size_t len = 0;
    for (; *from; from++) {
        const bool session = strncmp(from, "$S", 2) == 0;
        if (session || strncmp(from, "$C", 2) == 0) {
            len +=
                (size_t)snprintf(out + len, TEXT - len, "%s", session ? rig.session : rig.commit);
            from++;
        } else {
            out[len++] = *from;
        }
        assert_true(len < TEXT);
    }
    out[len] = '\0';
}

/* The text of a member of the last reply. */
static void remember(const char *member, char out[TEXT])
{
    const char *at = strstr(rig.reply, member);
    if (at)
        (void)snprintf(out, TEXT, "%.*s", (int)strcspn(at + strlen(member), "\""),
                       at + strlen(member));
}

/* A request; header: a CGI variable and its value, or NULL.  Returns the status. */
static int ask_bytes(const char *method, const char *address, const char *body, size_t len,
                     const char *const header[2])
{
    static const struct surface *const surfaces[] = { &ops_surface, &opteryx_surface };
    char where[TEXT];
    char length[TEXT];
    struct memory_io io;
    struct problem why = PROBLEM_NONE;
    struct exchange x = { .config = &rig.config, .db = rig.db, .blobs = rig.blobs };
    expand(address, where);
    memory_io_init(&io, method, where);
    (void)snprintf(length, sizeof length, "%zu", len);
    memory_io_param(&io, "CONTENT_LENGTH", length);
    memory_io_param(&io, "SERVER_ADDR", "127.0.0.1");
    if (body && body[0] == '{')
        memory_io_param(&io, "CONTENT_TYPE", "application/json");
    if (header)
        memory_io_param(&io, header[0], header[1]);
    io.body = body ? body : "";
    io.body_len = len;
    io.piece = 7;
    x.arena = rig.arena;
    x.io = memory_io_exchange(&io);
    x.now = rig.now;
    memset(x.random, ++rig.counter, sizeof x.random);
    assert_int_equal(exchange_open(&x, &why), FAULT_NONE);
    (void)route_serve(&x, surfaces, 2, &opteryx_surface, &why);
    assert_int_equal(x.reply, REPLY_DONE);
    (void)snprintf(rig.reply, sizeof rig.reply, "%s", memory_io_reply(&io));
    remember("\"session_id\":\"", rig.session);
    remember("\"commit_id\":\"", rig.commit);
    db_rollback(rig.db);
    blob_drop(rig.blobs);
    exchange_close(&x);
    memory_io_release(&io);
    arena_reset(rig.arena);
    return x.status;
}

static int ask(const char *method, const char *address, const char *body)
{
    char sent[TEXT];
    expand(body ? body : "", sent);
    return ask_bytes(method, address, sent, strlen(sent), NULL);
}

static int put(const char *address, const char *name, const char *body)
{
    const char *const header[2] = { "HTTP_X_FILE_NAME", name };
    return ask_bytes("PUT", address, body, strlen(body), header);
}

#define TARGET "{\"workspace\":\"w\",\"collection\":\"c\",\"dataset\":\"d\"}"
#define COMMIT "/v1/upload/$S/commit"
#define DATASET "/v1/datasets/w.c.d"

static void open_with(const char *name, const char *content)
{
    assert_int_equal(ask("POST", "/v1/upload/session", "{\"target\":" TARGET "}"), 201);
    assert_int_equal(put("/v1/upload/$S?part=0", name, content), 201);
}

static int commit(const char *mode)
{
    char body[TEXT];
    (void)snprintf(body, sizeof body, "{\"target\":" TARGET ",\"conflict_resolution\":\"%s\"}",
                   mode);
    return ask("POST", COMMIT, body);
}

static void test_a_dataset_is_made_read_and_taken_back(void **state)
{
    char first[TEXT];
    (void)state;
    open_with("a.csv", "a,b\n1,x\n2,\xC3\xA9\n");
    assert_int_equal(ask("GET", "/v1/upload/$S/inspect", NULL), 200);
    assert_int_equal(put("/v1/upload/$S?part=1", "b.ndjson", "{\"b\":\"y\",\"a\":2.5}\n"), 201);
    assert_int_equal(put("/v1/upload/$S?part=2", "c.csv", "a\nx\n"), 201);
    assert_int_equal(ask("GET", "/v1/upload/$S/inspect", NULL), 200);
    assert_non_null(strstr(rig.reply, "in other parts"));
    assert_int_equal(ask("DELETE", "/v1/upload/$S/part/2", NULL), 200);
    assert_int_equal(ask("DELETE", "/v1/upload/$S/part/2", NULL), 404);
    assert_int_equal(commit("fail"), 200);
    assert_non_null(strstr(rig.reply, "\"rows_written\":3,\"files_created\":2"));
    (void)snprintf(first, sizeof first, "%s", rig.commit);
    assert_int_equal(commit("fail"), 200);
    assert_string_equal(rig.commit, first);
    assert_int_equal(commit("append"), 409);
    assert_int_equal(put("/v1/upload/$S?part=0", "a.csv", "a\n1\n"), 409);

    open_with("a.csv", "a\n3\n");
    assert_int_equal(commit("append"), 200);
    assert_int_equal(ask("GET", DATASET "/snapshots?limit=1", NULL), 200);
    assert_non_null(strstr(rig.reply, "\"next\":2"));
    open_with("a.csv", "a,extra\n3,4\n");
    assert_non_null(strstr(rig.reply, "not declared by the dataset"));
    assert_int_equal(commit("append"), 409);
    assert_non_null(strstr(rig.reply, "structure doesn't match: not declared 'extra'"));
    assert_int_equal(commit("fail"), 409);
    assert_int_equal(commit("overwrite"), 200);

    assert_int_equal(ask("GET", "/v1/datasets", NULL), 200);
    assert_int_equal(ask("GET", DATASET, NULL), 200);
    assert_int_equal(ask("GET", DATASET "/snapshots/$C", NULL), 200);
    assert_int_equal(ask("GET", DATASET "/files/1", NULL), 200);
    assert_non_null(strstr(rig.reply, "1,x"));
    assert_int_equal(ask("GET", DATASET "/files/99", NULL), 404);
    (void)snprintf(rig.commit, sizeof rig.commit, "%s", first);
    assert_int_equal(ask("POST", DATASET "/rollback", "{\"snapshot\":\"$C\"}"), 200);
    assert_non_null(strstr(rig.reply, "\"operation\":\"rollback\""));
    assert_non_null(strstr(rig.reply, "\"totals\":{\"files\":2,\"rows\":3"));
}

static const struct {
    const char *method;
    const char *address;
    const char *body;
    int status;
} refusals[] = {
    { "GET", "/health", NULL, 200 },
    { "GET", "/health/", NULL, 307 },
    { "GET", "/v2/contracts", NULL, 405 },
    { "GET", "/v2/contracts/ct_1", NULL, 404 },
    { "POST", "/v2/contracts", "{}", 422 },
    { "GET", "/nothing", NULL, 404 },
    { "POST", "/health", NULL, 405 },
    { "POST", "/v1/upload/session", "{", 422 },
    { "POST", "/v1/upload/session", "{\"target\":1}", 422 },
    { "PUT", "/v1/upload/x?part=1000", "x", 422 },
    { "PUT", "/v1/upload/x?part=1", "x", 404 },
    { "GET", "/v1/upload/x/inspect", NULL, 404 },
    { "DELETE", "/v1/upload/x/part/y", NULL, 422 },
    { "DELETE", "/v1/upload/x/part/1", NULL, 404 },
    { "POST", "/v1/upload/x/commit", "{}", 422 },
    { "POST", "/v1/upload/x/commit", "{\"target\":" TARGET "}", 404 },
    { "GET", "/v1/datasets?limit=0", NULL, 422 },
    { "GET", "/v1/datasets?after=x", NULL, 422 },
    { "GET", "/v1/datasets/x", NULL, 404 },
    { "GET", "/v1/datasets/w.c.none/snapshots", NULL, 404 },
    { "GET", "/v1/datasets/w.c.none/snapshots/x", NULL, 404 },
    { "GET", "/v1/datasets/w.c.none/snapshots?after=-1", NULL, 422 },
    { "GET", "/v1/datasets/w.c.none/files/0", NULL, 422 },
    { "POST", "/v1/datasets/w.c.none/rollback", "{\"snapshot\":\"x\"}", 404 },
    { "POST", "/v1/datasets/w.c.none/rollback", "{\"snapshot\":1}", 422 },
};

static void test_mistakes_get_their_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const int status = ask(refusals[i].method, refusals[i].address, refusals[i].body);
        if (status != refusals[i].status)
            (void)fprintf(stderr, "%s %s: %s\n", refusals[i].method, refusals[i].address,
                          rig.reply);
        assert_int_equal(status, refusals[i].status);
    }
}

static void test_contents_that_are_not_what_they_say_leave_nothing(void **state)
{
    (void)state;
    assert_int_equal(ask("POST", "/v1/upload/session", NULL), 201);
    assert_int_equal(put("/v1/upload/$S?part=0", "a.csv", ""), 422);
    assert_int_equal(put("/v1/upload/$S?part=0", "a.ndjson", "[]"), 422);
    assert_int_equal(put("/v1/upload/$S?part=0", "a.parquet", "PAR1PAR1PAR1"), 422);
    assert_int_equal(put("/v1/upload/$S?part=0", "a.xlsx", "x"), 422);
    assert_int_equal(put("/v1/upload/$S?part=0", "", "what is it"), 422);
    assert_int_equal(ask("GET", "/v1/upload/$S/inspect", NULL), 204);
    assert_int_equal(commit("overwrite"), 422);
    assert_non_null(strstr(rig.reply, "no parts have been uploaded"));
}

/* A file of the real client; every byte of its footer damaged in turn is read or refused. */
static void test_a_parquet_part_is_read_or_refused(void **state)
{
    static char file[PARQUET_MAX];
    const char *const header[2] = { "HTTP_X_FILE_NAME", "findings.parquet" };
    (void)state;
    FILE *in = fopen(SOURCE_DIR "/tests/golden/opteryx/files/findings.parquet", "rb");
    assert_non_null(in);
    const size_t len = fread(file, 1, sizeof file, in);
    (void)fclose(in);
    assert_int_equal(ask("POST", "/v1/upload/session", NULL), 201);
    assert_int_equal(ask_bytes("PUT", "/v1/upload/$S?part=0", file, len, header), 201);
    assert_non_null(strstr(rig.reply, "\"schema\":{\"columns\":[{\"name\":\""));
    assert_int_equal(ask_bytes("PUT", "/v1/upload/$S?part=0", file, len, NULL), 201);
    for (size_t at = len / 2; at < len; at += 3) {
        const char kept = file[at];
        file[at] = (char)(file[at] ^ 0x15);
        const int status = ask_bytes("PUT", "/v1/upload/$S?part=1", file, len, header);
        assert_true(status == 201 || status == 422);
        file[at] = kept;
    }
}

static void test_sessions_expire_and_are_swept(void **state)
{
    int64_t count = 0;
    bool more = true;
    struct problem why = PROBLEM_NONE;
    (void)state;
    open_with("a.csv", "a\n1\n");
    rig.now += rig.config.session_hours * 3600 * 1000;
    assert_int_equal(ask("GET", "/v1/upload/$S/inspect", NULL), 410);
    assert_int_equal(commit("overwrite"), 410);
    assert_int_equal(opteryx_store_sweepable(rig.db, rig.now + 1, &count, &why), FAULT_NONE);
    assert_true(count > 0);
    for (; more; count--)
        assert_int_equal(opteryx_store_sweep(rig.db, rig.now + 1, &more, &why), FAULT_NONE);
    assert_int_equal(count, -1);
    assert_int_equal(ask("GET", "/v1/upload/$S/inspect", NULL), 404);
}

static void drop(const char *name, int pieces)
{
    struct opteryx_target target = { "w", "c", "" };
    struct problem why = PROBLEM_NONE;
    bool more = true;
    (void)snprintf(target.dataset, sizeof target.dataset, "%s", name);
    assert_int_equal(opteryx_store_dataset_drop(rig.db, &target, &why), FAULT_NONE);
    for (; more; pieces--)
        assert_int_equal(opteryx_store_dropped_sweep(rig.db, &more, &why), FAULT_NONE);
    assert_int_equal(pieces, -1);
}

static void test_a_dataset_is_dropped_piece_by_piece(void **state)
{
    const struct opteryx_target target = { "w", "c", "d" };
    char path[STATE_PATH_MAX];
    struct problem why = PROBLEM_NONE;
    sqlite3 *other = NULL;
    (void)state;
    state_path(&rig.state, "sluice.db", path);
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(other,
                     "INSERT INTO opteryx_file (dataset, number, added_in, blob, sha256,"
                     " kind, rows, bytes) WITH RECURSIVE n(i) AS (SELECT 101 UNION ALL"
                     " SELECT i + 1 FROM n WHERE i < 12000) SELECT dataset, i, 1, blob,"
                     " sha256, kind, rows, bytes FROM opteryx_file, n WHERE number = 1",
                     NULL, NULL, NULL),
        SQLITE_OK);
    (void)sqlite3_close(other);
    drop("d", 5); /* three of files, one of snapshots, the rest */
    assert_int_equal(state_number(&rig.state, "SELECT (SELECT count(*) FROM opteryx_file) + "
                                              "(SELECT count(*) FROM opteryx_snapshot) + "
                                              "(SELECT count(*) FROM opteryx_structure) + "
                                              "(SELECT count(*) FROM opteryx_dataset)"),
                     0);
    assert_int_equal(opteryx_store_dataset_drop(rig.db, &target, &why), FAULT_MISSING);
    assert_int_equal(ask("GET", DATASET, NULL), 404);
    state_check_integrity(&rig.state);
}

/* ---- somebody else between two statements of a request ---- */

/* What happens, once, right before a statement runs. */
static struct {
    const char *before; /* text of the statement; NULL when it has happened */
    const char *sql;
} race;

static int on_statement(unsigned kind, void *unused, void *stmt, void *text)
{
    char path[STATE_PATH_MAX];
    sqlite3 *other = NULL;
    (void)kind;
    (void)unused;
    (void)text;
    if (!race.before || !strstr(sqlite3_sql(stmt), race.before))
        return 0;
    race.before = NULL;
    state_path(&rig.state, "sluice.db", path);
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    if (sqlite3_exec(other, race.sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(other));
    (void)sqlite3_close(other);
    return 0;
}

static void race_begin(const char *before, const char *sql)
{
    race.before = before;
    race.sql = sql;
    rig.db->runs = 1; /* what comes between two runs of a body is seen by the second */
    (void)sqlite3_trace_v2(rig.db->sqlite, SQLITE_TRACE_STMT, on_statement, NULL);
}

static void race_end(void)
{
    assert_null(race.before); /* it did happen */
    (void)sqlite3_trace_v2(rig.db->sqlite, 0, NULL, NULL);
}

static void test_a_dropped_dataset_is_not_mixed_with_its_successor(void **state)
{
    static const char take_over[] = /* the number of a dropped dataset goes to the next one */
        "DELETE FROM opteryx_file WHERE file_name = 'open.csv';"
        "UPDATE opteryx_file SET dataset ="
        " (SELECT dataset FROM opteryx_dataset WHERE name = 'd') WHERE file_name = 'secret.csv';";
    static const struct {
        const char *address;
        const char *before;
        const char *shown;
    } reads[] = {
        { DATASET "/files/1", "FROM opteryx_file f JOIN blob", "open\n" },
        { DATASET "/snapshots/$C", "FROM opteryx_file WHERE", "\"name\":\"open.csv\"" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        assert_int_equal(ask("POST", "/v1/upload/session", NULL), 201);
        assert_int_equal(put("/v1/upload/$S?part=0", "secret.csv", "a\nsecret\n"), 201);
        assert_int_equal(ask("POST", COMMIT,
                             "{\"target\":{\"workspace\":\"w\",\"collection\":\"c\","
                             "\"dataset\":\"secret\"},\"conflict_resolution\":\"overwrite\"}"),
                         200);
        open_with("open.csv", "a\nopen\n");
        assert_int_equal(commit("overwrite"), 200);
        race_begin(reads[i].before, take_over);
        assert_int_equal(ask("GET", reads[i].address, NULL), 200);
        race_end();
        assert_non_null(strstr(rig.reply, reads[i].shown));
        assert_null(strstr(rig.reply, "secret"));
        drop("d", 3);
        drop("secret", 2); /* its file has another owner now */
    }
}

static void test_a_commit_planned_on_a_dropped_dataset_is_planned_anew(void **state)
{
    static const char successor[] = /* of the same numbers, with another column */
        "UPDATE opteryx_snapshot SET commit_id = 'snap_of_another';"
        "UPDATE opteryx_structure SET columns ="
        " '[{\"name\":\"b\",\"type\":\"BOOL\",\"nullable\":true}]'";
    (void)state;
    open_with("a.csv", "a\n1\n");
    assert_int_equal(commit("fail"), 200);
    open_with("a.csv", "a\n2\n");
    race_begin("BEGIN IMMEDIATE", successor);
    assert_int_equal(commit("append"), 409);
    race_end();
    assert_non_null(strstr(rig.reply, "structure doesn't match: not declared 'a'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_dataset_is_made_read_and_taken_back),
        cmocka_unit_test(test_mistakes_get_their_status),
        cmocka_unit_test(test_contents_that_are_not_what_they_say_leave_nothing),
        cmocka_unit_test(test_a_parquet_part_is_read_or_refused),
        cmocka_unit_test(test_sessions_expire_and_are_swept),
        cmocka_unit_test(test_a_dataset_is_dropped_piece_by_piece),
        cmocka_unit_test(test_a_dropped_dataset_is_not_mixed_with_its_successor),
        cmocka_unit_test(test_a_commit_planned_on_a_dropped_dataset_is_planned_anew),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
