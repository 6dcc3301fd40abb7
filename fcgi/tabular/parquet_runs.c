#include "tabular/parquet_runs.h"

#include "tabular/thrift_write.h"

enum {
    BYTE_BITS = 8,
    PACKED_GROUPS_MAX = 63, /* so that the head of a bit-packed run is one byte */
};

void parquet_runs_init(struct parquet_runs *runs, unsigned bits, size_t max)
{
    *runs = (struct parquet_runs){ .bits = (uint8_t)bits };
    text_init(&runs->out, max);
}

void parquet_runs_release(struct parquet_runs *runs)
{
    text_release(&runs->out);
}

void parquet_runs_clear(struct parquet_runs *runs, unsigned bits)
{
    const size_t max = runs->out.max;
    text_release(&runs->out);
    parquet_runs_init(runs, bits, max);
}

/* The head of an open bit-packed run says how many groups it has. */
static void packed_close(struct parquet_runs *runs)
{
    if (runs->groups && !text_failed(&runs->out))
        runs->out.data[runs->packed_head] = (char)(runs->groups << 1 | 1);
    runs->groups = 0;
}

/* Appends the eight numbers of the group to the open bit-packed run, or opens one. */
static void packed_add(struct parquet_runs *runs)
{
    uint64_t held = 0;
    unsigned held_bits = 0;
    if (runs->groups == PACKED_GROUPS_MAX)
        packed_close(runs);
    if (runs->groups == 0) {
        runs->packed_head = runs->out.len;
        text_addc(&runs->out, 0);
    }
    for (size_t i = 0; i < PARQUET_RUNS_GROUP; i++) {
        held |= (uint64_t)runs->group[i] << held_bits;
        held_bits += runs->bits;
        for (; held_bits >= BYTE_BITS; held_bits -= BYTE_BITS) {
            text_addc(&runs->out, (char)held);
            held >>= BYTE_BITS;
        }
    }
    runs->groups++;
    runs->waiting = 0;
    runs->repeated = 0;
}

static void run_add(struct parquet_runs *runs)
{
    packed_close(runs);
    thrift_write_varint(&runs->out, runs->repeated << 1);
    for (unsigned bits = 0; bits < runs->bits; bits += BYTE_BITS)
        text_addc(&runs->out, (char)(runs->last >> bits));
    runs->repeated = 0;
    runs->waiting = 0;
}

void parquet_runs_add(struct parquet_runs *runs, uint32_t value)
{
    if (value == runs->last && runs->repeated > 0) {
        runs->repeated++;
        if (runs->repeated > PARQUET_RUNS_GROUP)
            return; /* the run is counted; its group is not used */
    } else {
        if (runs->repeated >= PARQUET_RUNS_GROUP)
            run_add(runs);
        runs->repeated = 1;
        runs->last = value;
    }
    runs->group[runs->waiting++] = value;
    /* a whole group of one number stays a run; the numbers before it were packed */
    if (runs->waiting == PARQUET_RUNS_GROUP && runs->repeated < PARQUET_RUNS_GROUP)
        packed_add(runs);
}

void parquet_runs_end(struct parquet_runs *runs)
{
    if (runs->repeated >= PARQUET_RUNS_GROUP) {
        run_add(runs);
    } else if (runs->waiting > 0) {
        while (runs->waiting < PARQUET_RUNS_GROUP)
            runs->group[runs->waiting++] = 0;
        packed_add(runs);
    }
    packed_close(runs);
}
