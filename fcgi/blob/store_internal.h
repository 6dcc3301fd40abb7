/*
 * store_internal.h - what the files of this folder share; nobody else includes it.
 *
 * store.c opens, takes the worker's folder and names things; room.c looks at the disk; file.c makes and writes files; pack.c
 * gathers small contents; writer.c takes one content; flush.c makes durable, keeps and drops;
 * read.c reads, reading.c compares; sweep.c and compact.c take back what no row names.
 */
#ifndef BLOB_STORE_INTERNAL_H
#define BLOB_STORE_INTERNAL_H

#include "base/limits.h"
#include "blob/blob.h"

#define BLOB_LOCK_NAME "lock"

struct digest;

enum {
    BLOB_NUMBER_BITS = 24,   /* of a blob_ref's file: the file's number in its worker's folder */
    BLOB_NAME_MAX = 32,      /* bytes of "<worker>/<number>" with the NUL, and room */
    BLOB_FOLDER_DIGITS = 10, /* hexadecimal digits of a worker's folder */
    BLOB_FILE_DIGITS = 6,    /* hexadecimal digits of a file in it */
    BLOB_FOLDER_MODE = 0750,
    BLOB_FILE_MODE = 0640,
    BLOB_WHOLES = 8,            /* complete files whose write-back goes on behind one's back */
    BLOB_PUSH_STEP = 4 * MIB,   /* bytes after which write-back is started early */
    BLOB_PLACE_STEP = 2 * MIB,  /* the same within a piece, of which there is less */
    BLOB_READ_PIECE = 64 * KIB, /* bytes of a large content that go out at once */
};

#define BLOB_NUMBER_END (UINT32_C(1) << BLOB_NUMBER_BITS)
#define BLOB_NUMBER_NONE UINT32_MAX

/* A file of this worker that is being written; fd -1: there is none. */
struct blob_file {
    int fd;
    uint32_t number;  /* in the worker's folder; BLOB_NUMBER_NONE without a file */
    uint64_t written; /* bytes from the start that the kernel has */
    uint64_t pushed;  /* of these, bytes whose write-back was started */
};

#define BLOB_FILE_NONE ((struct blob_file){ .fd = -1, .number = BLOB_NUMBER_NONE })

/* The pack that small contents are appended to. */
struct blob_pack {
    struct blob_file file;
    unsigned char *buffer; /* BLOB_PACK_BUFFER bytes; NULL before the first content */
    size_t held;           /* sealed bytes in it, which belong at file.written */
};

enum blob_writer_state {
    BLOB_WRITER_IDLE,  /* no content is open */
    BLOB_WRITER_OPEN,  /* it takes bytes */
    BLOB_WRITER_FAILED /* a write failed: it can only be discarded */
};

/* The one open content.  Its first bytes wait in the stage, because its length is not known. */
struct blob_writer {
    struct blob_store *store;
    enum blob_writer_state state;
    unsigned char *stage; /* BLOB_PACK_BELOW bytes; NULL before the first content */
    size_t staged;
    struct blob_file own;  /* from BLOB_PACK_BELOW bytes on */
    struct digest *digest; /* of what own holds; NULL before the first such content */
    uint64_t bytes;
    uint64_t bytes_max;
};

/* What the next flush has to make durable. */
struct blob_unflushed {
    bool pack;               /* the pack has new bytes */
    int wholes[BLOB_WHOLES]; /* complete files besides the pack, the newest last */
    size_t whole_count;
    bool others;  /* complete files before those, closed already */
    bool entries; /* the folder has new entries */
    int lost;     /* errno of a write-back that failed meanwhile, 0: none */
};

/* What the last blob_keep() kept. */
struct blob_kept {
    uint32_t next;  /* files from this number on are not kept */
    uint32_t pack;  /* number of the pack that was open then, or BLOB_NUMBER_NONE */
    uint64_t end;   /* bytes of it that are kept */
    bool unflushed; /* a flush of kept bytes is still to come */
};

/* The content on its way out. */
struct blob_out {
    unsigned char *bytes;  /* BLOB_PACK_BELOW of them; NULL before the first reading */
    struct digest *digest; /* the same */
};

struct blob_store {
    int root;         /* the store's folder */
    int64_t floor;    /* as for blob_leave_free() */
    uint64_t worker;  /* 0: for reading only */
    bool folder_made; /* a folder of that number is ours, not another worker's */
    int folder;       /* the worker's folder, -1 before the first write */
    int lock;         /* the lock in it, held */
    uint32_t next;    /* number of the next file */
    struct blob_pack pack;
    struct blob_writer writer;
    struct blob_unflushed unflushed;
    struct blob_kept kept;
    struct blob_out out;
    int64_t read_file; /* which file read_fd is; -1: none */
    int read_fd;
};

/* ---- store.c ---- */

/* The number that rows hold. */
int64_t blob_file_id(uint64_t worker, uint32_t number);

/* "<worker>" and "<worker>/<number>" below the root, "<number>" below the worker's folder. */
void blob_name_folder(uint64_t worker, char out[BLOB_NAME_MAX]);
void blob_name_path(int64_t file, char out[BLOB_NAME_MAX]);
void blob_name_number(uint32_t number, char out[BLOB_NAME_MAX]);

/* Takes the worker's folder and its lock unless that was done. */
MUST_CHECK enum fault blob_take_folder(struct blob_store *store, struct problem *why);

/* Removes the folder with its lock when nothing else is in it.  The lock must be held. */
bool blob_remove_if_empty(int root, uint64_t worker, int folder);

/* ---- file.c ---- */

/* Makes the next file of the worker's folder, which must be taken. */
MUST_CHECK enum fault blob_file_create(struct blob_store *store, struct blob_file *out,
                                       struct problem *why);

/* Appends whole; after a fault written is as it was, so the same bytes may be written again. */
MUST_CHECK enum fault blob_file_append(struct blob_file *file, const void *bytes, size_t len,
                                       struct problem *why);

/* Waits until a device has what was written (it may still be in its cache) and closes.  Returns
 * an errno value, 0 for success. */
int blob_file_settle(int fd);

/* fsync, fdatasync and syncfs; what: as for problem_errno().  Only EINTR is tried again. */
MUST_CHECK enum fault blob_sync_file(int fd, const char *what, struct problem *why);
MUST_CHECK enum fault blob_sync_folder(int fd, const char *what, struct problem *why);
MUST_CHECK enum fault blob_sync_all(int fd, const char *what, struct problem *why);

/* ---- pack.c ---- */

/* Appends a content below BLOB_PACK_BELOW and says where it lies. */
MUST_CHECK enum fault blob_pack_append(struct blob_store *store, const void *bytes, size_t len,
                                       struct blob_ref *out, struct problem *why);

/* Hands the buffer to the kernel.  After a fault it can be tried again. */
MUST_CHECK enum fault blob_pack_write(struct blob_store *store, struct problem *why);

/* Closes the pack without another write; the next content begins a new one. */
void blob_pack_abandon(struct blob_store *store);

/* Forgets what lies past end. */
void blob_pack_cut(struct blob_store *store, uint64_t end);

/* ---- flush.c ---- */

/* Hands over a complete file: the next flush makes it durable and closes it. */
void blob_flush_later(struct blob_store *store, int fd);

/* Nothing awaits a flush any more. */
void blob_flush_forget(struct blob_store *store);

/* ---- read.c ---- */

/* Closes the descriptor kept for reading. */
void blob_read_forget(struct blob_store *store);

/* Opens a content to read and looks whether its file is long enough: the faults of
 * blob_reading_begin(). */
MUST_CHECK enum fault blob_read_check(struct blob_store *store, const struct blob_ref *ref,
                                      struct problem *why);

/* ---- reading.c ---- */

/* Frees what reading has allocated. */
void blob_reading_release(struct blob_store *store);

#endif
