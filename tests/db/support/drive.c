#include "support/drive.h"

#include "base/arena.h"
#include "blob/blob.h"
#include "db/sqlite/sqlite.h"
#include "surfaces.h"
#include "tests/unit/support/pinot_archive.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

enum { OTHERS_FILE = 0x700001, BODY_MAX = 16 * MIB, PIECE = 8000 };

static const int64_t now_ms = 1790000000000;

/* What is remembered of answers: the text behind these words, by letter. */
static const struct {
    char letter;
    const char *member;
} remembered[] = {
    { 'S', "\"session_id\":\"" },         { 'C', "\"commit_id\":\"" },
    { 'U', "\"upload_id\":\"" },          { 'K', "\"contract_id\":\"" },
    { 'F', "\"schema_fingerprint\":\"" },
};

/* ---- the other worker, and what an answer rests on ---- */

static void other_commits(struct drive *drive)
{
    struct problem why = PROBLEM_NONE;
    if (!drive->other)
        return;
    enum fault f = db_begin(drive->other, &why);
    if (!f)
        f = state_add(drive->other, OTHERS_FILE, drive->others++, &why);
    if (!f)
        f = db_commit_unsettled(drive->other, &why);
    if (f)
        fail_msg("the other worker: %s: %s", why.text, why.detail);
}

/* SQLite says so of every statement that begins: whatever is read then may be as new as the last
 * commit that was begun. */
static int on_statement(unsigned kind, void *ctx, void *stmt, void *sql)
{
    struct drive *drive = ctx;
    (void)kind;
    (void)stmt;
    if (strncasecmp(sql, "BEGIN", 5) != 0 && strncasecmp(sql, "ROLLBACK", 8) != 0) {
        drive->asked = true;
        drive->rests = atomic_load(&drive->db->counters->begun);
    }
    return 0;
}

static enum fault on_write(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    enum { STATUS_INTERNAL = 500 };
    struct drive *drive = ctx;
    const char *sent = bytes;
    if (drive->io.reply.len == 0)
        drive->status = len > 11 ? (int)strtol(sent + 8, NULL, 10) : 0; /* "Status: 200 OK" */
    if (drive->status < STATUS_INTERNAL && drive->asked &&
        atomic_load(&drive->db->counters->durable) < drive->rests)
        drive->early++;
    const enum fault f = memory_io_write(&drive->io, bytes, len, why);
    other_commits(drive);
    return f;
}

static const char *on_param(void *ctx, const char *name)
{
    struct drive *drive = ctx;
    return memory_io_get(&drive->io, name);
}

static enum fault on_read(void *ctx, void *bytes, size_t len, size_t *got, struct problem *why)
{
    struct drive *drive = ctx;
    return memory_io_read(&drive->io, bytes, len, got, why);
}

/* ---- bodies ---- */

static void expand(const struct drive *drive, const char *from, struct text *out)
{
    for (; *from; from++) {
        if (*from == '$' && from[1] >= 'A' && from[1] <= 'Z')
            text_adds(out, drive->names[(unsigned char)*++from]);
        else
            text_add(out, from, 1);
    }
    assert_false(text_failed(out));
}

/* The headers of a recorded request become parameters; the body goes to out. */
static void recorded(struct drive *drive, const char *path, struct text *out, struct text *head)
{
    static const char *const kept[][2] = { { "content-type: ", "CONTENT_TYPE" },
                                           { "user-agent: ", "HTTP_USER_AGENT" },
                                           { "content-encoding: ", "HTTP_CONTENT_ENCODING" } };
    char bytes[64 * 1024];
    char full[DRIVE_TEXT];
    (void)snprintf(full, sizeof full, "%s/tests/golden/%s", SOURCE_DIR, path);
    FILE *file = fopen(full, "rb");
    assert_non_null(file);
    const size_t len = fread(bytes, 1, sizeof bytes - 1, file);
    (void)fclose(file);
    bytes[len] = '\0';
    char *end = strstr(bytes, "\r\n\r\n");
    assert_non_null(end);
    text_add(out, end + 4, len - (size_t)(end + 4 - bytes));
    text_add(head, bytes, (size_t)(end - bytes));
    char *save = NULL;
    for (char *line = strtok_r(head->data, "\r\n", &save); line;
         line = strtok_r(NULL, "\r\n", &save)) {
        for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
            if (strncasecmp(line, kept[i][0], strlen(kept[i][0])) == 0)
                memory_io_param(&drive->io, kept[i][1], line + strlen(kept[i][0]));
        }
    }
}

static void multipart(struct drive *drive, const struct text *content, struct text *out)
{
    text_adds(out, "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n"
                   "Content-Type: application/octet-stream\r\n\r\n");
    text_add(out, content->data, content->len);
    text_adds(out, "\r\n--b--\r\n");
    memory_io_param(&drive->io, "CONTENT_TYPE", "multipart/form-data; boundary=b");
}

/* A batch as SegmentCreationAndMetadataPush sends it, or one segment whole. */
static void segments(struct drive *drive, const char *names, bool whole, struct text *out)
{
    struct text tar;
    struct text gz;
    struct text mapping;
    char name[NAME_MAX_BYTES];
    text_init(&tar, BODY_MAX);
    text_init(&gz, BODY_MAX);
    text_init(&mapping, BODY_MAX);
    for (const char *at = names; *at;) {
        const int len = (int)strcspn(at, " ");
        (void)snprintf(name, sizeof name, "%.*s", len, at);
        segment_put(&tar, whole ? "v3/" : name, 1);
        text_addf(&mapping, "%s\ns3://bucket/%s.tar.gz\n", name, name);
        at += len + (at[len] == ' ');
    }
    if (whole) {
        tar.len = 0;
        static const char creation[24] = { [7] = 1, [15] = 1 };
        tar_put(&tar, "s/v3/creation.meta", '0', creation, sizeof creation);
        text_clear(&mapping);
        text_addf(&mapping,
                  "segment.name = %s\nsegment.table.name = t\nsegment.total.docs = 7\n"
                  "segment.index.version = v3\n",
                  names);
        tar_text(&tar, "s/v3/metadata.properties", text_string(&mapping));
    } else {
        tar_text(&tar, "d/all_segments_metadata", text_string(&mapping));
    }
    tar_finish(&tar);
    gzip_put(&gz, &tar);
    multipart(drive, &gz, out);
    text_release(&tar);
    text_release(&gz);
    text_release(&mapping);
}

/* So many that a list of them is read and sent in several pages. */
static void many_names(const char *begin, struct text *out)
{
    enum { COUNT = 4000, LENGTH = 60 };
    for (int i = 0; i < COUNT; i++)
        text_addf(out, "%s%s%0*d", i ? " " : "", begin, LENGTH, i);
}

static void make_body(struct drive *drive, const struct drive_step *step, struct text *out,
                      struct text *head)
{
    struct text names;
    if (!step->body)
        return;
    text_init(&names, BODY_MAX);
    switch (step->kind) {
    case BODY_TEXT:
        expand(drive, step->body, out);
        if (out->len > 0 && strchr("{[", out->data[0]))
            memory_io_param(&drive->io, "CONTENT_TYPE", "application/json");
        break;
    case BODY_GZIP:
        text_adds(&names, step->body);
        gzip_put(out, &names);
        break;
    case BODY_RECORDED:
        recorded(drive, step->body, out, head);
        break;
    case BODY_MANY:
        many_names(step->body, &names);
        segments(drive, text_string(&names), false, out);
        break;
    case BODY_BATCH:
    case BODY_SEGMENT:
        segments(drive, step->body, step->kind == BODY_SEGMENT, out);
        break;
    }
    text_release(&names);
}

/* ---- a request ---- */

static void serve(struct drive *drive, struct problem *why)
{
    struct exchange x = { .config = &drive->config,
                          .db = drive->db,
                          .blobs = drive->blobs,
                          .arena = drive->arena,
                          .now = now_ms + drive->requests };
    x.io = (struct exchange_io){ drive, on_param, on_read, on_write, false };
    memset(x.random, (int)(drive->requests & 0xFF), sizeof x.random);
    memcpy(x.random, &drive->requests, sizeof drive->requests);
    assert_int_equal(exchange_open(&x, why), FAULT_NONE);
    (void)route_serve(&x, surfaces, surfaces_count, surfaces[0], why);
    drive->route = x.route;
    drive->status = x.status;
    db_rollback(drive->db);
    blob_drop(drive->blobs);
    exchange_close(&x);
    arena_reset(drive->arena);
}

static void remember(struct drive *drive)
{
    for (size_t i = 0; i < sizeof remembered / sizeof remembered[0]; i++) {
        const char *at = strstr(memory_io_body(&drive->io), remembered[i].member);
        if (!at)
            continue;
        at += strlen(remembered[i].member);
        (void)snprintf(drive->names[(unsigned char)remembered[i].letter], DRIVE_TEXT, "%.*s",
                       (int)strcspn(at, "\""), at);
    }
}

void drive_ask(struct drive *drive, const struct drive_step *step)
{
    struct problem why = PROBLEM_NONE;
    struct text address;
    struct text body;
    struct text head;
    char length[DRIVE_TEXT];
    text_init(&address, DRIVE_TEXT);
    text_init(&body, BODY_MAX);
    text_init(&head, BODY_MAX);
    expand(drive, step->address, &address);
    memory_io_release(&drive->io);
    memory_io_init(&drive->io, step->method, text_string(&address));
    make_body(drive, step, &body, &head);
    (void)snprintf(length, sizeof length, "%zu", body.len);
    memory_io_param(&drive->io, "CONTENT_LENGTH", length);
    memory_io_param(&drive->io, "SERVER_ADDR", "127.0.0.1");
    memory_io_param(&drive->io, "HTTP_HOST", "localhost");
    for (size_t i = 0; i + 1 < DRIVE_HEADERS && step->headers[i]; i += 2)
        memory_io_param(&drive->io, step->headers[i], step->headers[i + 1]);
    drive->io.body = text_string(&body);
    drive->io.body_len = body.len;
    drive->io.piece = PIECE;
    drive->asked = false;
    drive->rests = 0;
    drive->requests++;
    other_commits(drive);
    serve(drive, &why);
    if (step->status != 0 && drive->status != step->status)
        fail_msg("%s %s: %d instead of %d: %s %s", step->method, text_string(&address),
                 drive->status, step->status, memory_io_body(&drive->io), why.detail);
    remember(drive);
    text_release(&address);
    text_release(&body);
    text_release(&head);
}

/* ---- routes ---- */

/* What stands for a {name}: of something that the script has made, and of nothing. */
static const struct {
    const char *name;
    const char *present;
    const char *absent;
} captures[] = {
    { "table", "t", "nosuch" },
    { "segment", "s1", "nosuch" },
    { "schema", "t", "nosuch" },
    { "namespace", "ns", "ns" },
    { "repo_name", "tiny", "nosuch" },
    { "hash", "6bba86c7e069f56d5a10b435f1c8e49c", "9bba86c7e069f56d5a10b435f1c8e49c" },
    { "id", "$U", "00000000-0000-4000-8000-000000000000" },
    { "n", "1", "1" },
    { "state", "started", "started" },
    { "action", "push", "push" },
    { "branch", "main", "nosuch" },
    { "session", "$S", "20260101000000-nosuch" },
    { "part", "0", "9" },
    { "contract", "$K", "ct_20260101000000_nosuch" },
    { "dataset", "w.c.d", "w.c.nosuch" },
    { "snapshot", "$C", "nosuch" },
    { "number", "1", "99" },
};

static void fill(const char *pattern, bool present, struct text *out)
{
    for (const char *at = pattern; *at; at++) {
        if (*at != '{') {
            text_add(out, at, 1);
            continue;
        }
        const size_t len = strcspn(at + 1, ".}");
        const char *value = "x"; /* of a name that is not in the table */
        for (size_t i = 0; i < sizeof captures / sizeof captures[0]; i++) {
            if (strlen(captures[i].name) == len && strncmp(captures[i].name, at + 1, len) == 0)
                value = present ? captures[i].present : captures[i].absent;
        }
        text_adds(out, value);
        at += strcspn(at, "}");
    }
}

static void ask_route(struct drive *drive, const struct route *route, bool present)
{
    struct text address;
    text_init(&address, DRIVE_TEXT);
    fill(route->pattern, present, &address);
    const struct drive_step step = { .method = route->method,
                                     .address = text_string(&address),
                                     .body = route->method[0] == 'P' ? "{}" : NULL };
    drive_ask(drive, &step);
    text_release(&address);
}

void drive_routes(struct drive *drive, bool present, void (*seen)(struct drive *drive))
{
    for (int last = 0; last < 2; last++) { /* what takes things away comes last, from the end */
        for (size_t s = 0; s < surfaces_count; s++) {
            for (size_t i = 0; i < surfaces[s]->route_count; i++) {
                const size_t at = last ? surfaces[s]->route_count - 1 - i : i;
                const struct route *route = &surfaces[s]->routes[at];
                if ((strcmp(route->method, "DELETE") == 0) != (last == 1))
                    continue;
                ask_route(drive, route, present);
                seen(drive);
            }
        }
    }
}

/* ---- its life ---- */

/* As a worker does. */
static void keep_named(void *blobs)
{
    blob_keep(blobs);
}

void drive_begin(struct drive *drive, int runs, bool others)
{
    char *const environment[] = { strdup("SLUICE_AUTH=open"), NULL };
    char path[STATE_PATH_MAX];
    struct problem why = PROBLEM_NONE;
    *drive = (struct drive){ 0 };
    state_make(&drive->state, true);
    state_migrate(&drive->state);
    drive->db = state_open(&drive->state);
    drive->db->runs = runs;
    drive->other = others ? state_open(&drive->state) : NULL;
    assert_int_equal(sqlite3_trace_v2(drive->db->sqlite, SQLITE_TRACE_STMT, on_statement, drive),
                     SQLITE_OK);
    state_path(&drive->state, "blobs", path);
    drive->arena = arena_create(ARENA_MAX);
    assert_int_equal(blob_open(path, 1, &drive->blobs, &why), FAULT_NONE);
    db_when_named(drive->db, keep_named, drive->blobs);
    assert_int_equal(config_load(&drive->config, environment, &why), FAULT_NONE);
    memory_io_init(&drive->io, "GET", "/");
    free(environment[0]);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

void drive_end(struct drive *drive)
{
    enum { DESCRIPTORS = 8 };
    char path[STATE_PATH_MAX];
    memory_io_release(&drive->io);
    blob_close(drive->blobs);
    state_path(&drive->state, "blobs", path);
    (void)nftw(path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
    db_close(drive->db);
    db_close(drive->other);
    arena_destroy(drive->arena);
    state_remove(&drive->state);
}

/* ---- what it left ---- */

static void dump_row(sqlite3_stmt *row, struct text *out)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        const unsigned char *bytes = sqlite3_column_blob(row, i);
        const int len = sqlite3_column_bytes(row, i);
        text_adds(out, i ? " " : "  ");
        for (int k = 0; k < len; k++)
            text_addf(out, bytes[k] > ' ' && bytes[k] < 0x7F ? "%c" : "\\%02x", bytes[k]);
        if (sqlite3_column_type(row, i) == SQLITE_NULL)
            text_adds(out, "NULL");
    }
    text_adds(out, "\n");
}

void drive_dump(const struct drive *drive, struct text *out)
{
    sqlite3 *sqlite = drive->db->sqlite;
    sqlite3_stmt *tables = NULL;
    assert_int_equal(sqlite3_prepare_v2(sqlite,
                                        "SELECT name FROM sqlite_schema WHERE type = 'table'"
                                        " AND name <> 'migration' ORDER BY name",
                                        -1, &tables, NULL),
                     SQLITE_OK);
    while (sqlite3_step(tables) == SQLITE_ROW) {
        char sql[DRIVE_TEXT];
        sqlite3_stmt *rows = NULL;
        const char *name = (const char *)sqlite3_column_text(tables, 0);
        text_addf(out, "%s\n", name);
        (void)snprintf(sql, sizeof sql, "SELECT * FROM \"%s\" ORDER BY 1, 2", name);
        assert_int_equal(sqlite3_prepare_v2(sqlite, sql, -1, &rows, NULL), SQLITE_OK);
        while (sqlite3_step(rows) == SQLITE_ROW)
            dump_row(rows, out);
        (void)sqlite3_finalize(rows);
    }
    (void)sqlite3_finalize(tables);
    assert_false(text_failed(out));
}
