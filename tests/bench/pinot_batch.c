/*
 * pinot_batch.c - where the time of a batch goes, without a web server: gunzip, tar, parsing, the
 * statements of the deciding transaction, and the durable commit.
 *
 *   bench_pinot_batch ARCHIVE.tar.gz FOLDER
 *
 * ARCHIVE: what a batch's part holds (pinot.py --archive writes one).  FOLDER: an empty one, on the
 * disk that is to be measured.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "db/migrate.h"
#include "db/pinot_store_config.h"
#include "db/pinot_store_push.h"
#include "pinot/batch.h"
#include "stream/coding.h"
#include "stream/tar.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 50, NS_IN_US = 1000, US_IN_SECOND = 1000000 };

static const uint64_t decoded_max = UINT64_C(1) << 30;

/* Of the processor's time, which does not change with what else the machine does. */
static double now_us(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec * US_IN_SECOND + (double)at.tv_nsec / NS_IN_US;
}

static void must(enum fault f, const struct problem *why)
{
    if (!f)
        return;
    (void)fprintf(stderr, "%s %s\n", why->text, why->detail);
    exit(EXIT_FAILURE);
}

static enum fault ignore(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    (void)ctx;
    (void)bytes;
    (void)len;
    (void)why;
    return FAULT_NONE;
}

static enum fault ignore_begin(void *ctx, const struct tar_head *head, struct problem *why)
{
    (void)ctx;
    (void)head;
    (void)why;
    return FAULT_NONE;
}

static enum fault ignore_end(void *ctx, struct problem *why)
{
    (void)ctx;
    (void)why;
    return FAULT_NONE;
}

static double gunzip_us(const struct text *gz, bool with_tar)
{
    static const struct tar_sink sink = { ignore_begin, ignore, ignore_end };
    struct problem why = PROBLEM_NONE;
    struct decoder *decoder = NULL;
    struct tar *tar = NULL;
    const double begin = now_us();
    must(tar_create(&sink, NULL, &tar, &why), &why);
    must(
        decoder_create(CODING_GZIP, decoded_max, with_tar ? tar_feed : ignore, tar, &decoder, &why),
        &why);
    must(decoder_feed(decoder, gz->data, gz->len, &why), &why);
    must(decoder_end(decoder, &why), &why);
    decoder_destroy(decoder);
    tar_destroy(tar);
    return now_us() - begin;
}

static enum fault anything(void *ctx, const struct pinot_configs_there *there, struct problem *why)
{
    (void)ctx;
    (void)there;
    (void)why;
    return FAULT_NONE;
}

static bool dead(void *ctx, int64_t owner)
{
    (void)ctx;
    (void)owner;
    return false;
}

/* Parses, pushes into a new table, and adds what each took. */
static size_t round_us(struct db *db, const struct text *gz, int number, double *parse,
                       double *push_new, double *push_same)
{
    char name[NAME_MAX_BYTES];
    char full[NAME_MAX_BYTES];
    struct problem why = PROBLEM_NONE;
    struct batch *batch = NULL;
    struct pinot_push push = { .table = full, .now = 1, .allow_refresh = true, .alive = dead };
    (void)snprintf(name, sizeof name, "t%d", number);
    (void)snprintf(full, sizeof full, "t%d_OFFLINE", number);
    const struct pinot_table table = { .name = full,
                                       .raw = name,
                                       .type = "OFFLINE",
                                       .config = "{}",
                                       .replication = 1,
                                       .quota_bytes = -1,
                                       .quota_segments = -1 };
    const struct pinot_configs configs = {
        .raw = name, .schema = "{}", .tables = { &table }, .now = 1, .decide = anything
    };
    must(pinot_store_configs_put(db, &configs, &why), &why);
    double begin = now_us();
    must(batch_create(decoded_max, 1, &batch, &why), &why);
    must(batch_feed(batch, gz->data, gz->len, &why), &why);
    must(batch_end(batch, &push.segments, &push.count, &why), &why);
    *parse += now_us() - begin;
    begin = now_us();
    must(pinot_store_push(db, &push, &why), &why);
    *push_new += now_us() - begin;
    begin = now_us();
    must(pinot_store_push(db, &push, &why), &why);
    *push_same += now_us() - begin;
    batch_destroy(batch);
    return push.count;
}

int main(int argc, char **argv)
{
    char piece[IO_CHUNK];
    struct problem why = PROBLEM_NONE;
    struct migrate_report report;
    struct db *db = NULL;
    struct text gz;
    double gunzip = 0;
    double tar = 0;
    double parse = 0;
    double push_new = 0;
    double push_same = 0;
    size_t segments = 0;
    size_t got = 0;
    FILE *file = argc == 3 ? fopen(argv[1], "rb") : NULL;
    if (!file)
        return EXIT_FAILURE;
    text_init(&gz, (size_t)(64 * MIB));
    do {
        got = fread(piece, 1, sizeof piece, file);
        text_add(&gz, piece, got);
    } while (got > 0);
    (void)fclose(file);
    must(migrate_run(argv[2], 1000, 1, &report, &why), &why);
    const struct db_options options = { .folder = argv[2],
                                        .lock_wait_ms = 1000,
                                        .checkpoint_bytes = (int64_t)(64 * MIB) };
    must(db_open(&options, &db, &why), &why);
    for (int i = 0; i < ROUNDS; i++) {
        gunzip += gunzip_us(&gz, false);
        tar += gunzip_us(&gz, true);
        segments += round_us(db, &gz, i, &parse, &push_new, &push_same);
    }
    db_close(db);
    text_release(&gz);
    const double each = (double)segments;
    (void)printf("microseconds of processor time a segment (%zu segments a batch, %d rounds):\n"
                 "= pinot batch, gunzip of a segment | %.2f us |\n"
                 "= pinot batch, tar | %.2f us |\n"
                 "= pinot batch, files to rows | %.2f us |\n"
                 "= pinot batch, new: transaction and durable commit | %.2f us |\n"
                 "= pinot batch, the same with the same CRC | %.2f us |\n"
                 "= pinot batch, all of a new segment | %.2f us |\n",
                 segments / ROUNDS, ROUNDS, gunzip / each, (tar - gunzip) / each,
                 (parse - tar) / each, push_new / each, push_same / each,
                 (parse + push_new) / each);
    return EXIT_SUCCESS;
}
