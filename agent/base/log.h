/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.h - one line per message on stderr, broken at its width on a terminal: plain text, logfmt or JSON. Only agent/cli/ logs;
 * other files return errors. Control characters in a message are escaped.
 */
#ifndef SYSSCOPE_LOG_H
#define SYSSCOPE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
#define LOG_LEVELS  "error|warning|info|debug"
#define LOG_FORMATS "text|logfmt|json"

/* Each takes one of the names above; NULL: no change. */
void log_setup(const char *level, const char *format);

void log_message(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/*
 * Wrong usage, as it stands: the text, which has passed a sanitiser, whatever the level and the format. On a terminal lines of both
 * end with a word, at its width.
 */
void log_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define log_error(...)	 log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	 log_message(LOG_LEVEL_INFO, __VA_ARGS__)

#endif
