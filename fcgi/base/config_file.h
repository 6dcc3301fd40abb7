/*
 * config_file.h - a file of settings, in the syntax of systemd's EnvironmentFile= (systemd.exec(5)).
 */
#ifndef BASE_CONFIG_FILE_H
#define BASE_CONFIG_FILE_H

#include "base/problem.h"

/* Puts the SLUICE_* settings of a file into the environment, over those that are there, for
 * config_load() and for the processes that are started.  One NAME=value a line; lines that begin with
 * '#' or ';' are comments; blanks around a value go; '...' and "..." quote (in the latter '\' escapes
 * '"', '\', '`' and '$'); outside of quotes '\' takes the next byte as it is, and at a line's end goes
 * on with the next one.  Other names are passed over.  FAULT_MALFORMED with the line's number for what
 * is none of this (systemd would pass over it), and for a file past CONFIG_FILE_MAX; FAULT_MISSING
 * when it cannot be read. */
MUST_CHECK enum fault config_file_export(const char *path, struct problem *why);

enum { CONFIG_FILE_MAX = 65536 }; /* bytes */

#endif
