/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.c - see log.h. Level and format are global; besides them only run.c has globals, for signals.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <jansson.h>

#include "base/log.h"
#include "base/text.h"
#include "base/util.h"

enum log_format { FORMAT_TEXT, FORMAT_LOGFMT, FORMAT_JSON };

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static enum log_level log_level = LOG_LEVEL_INFO;
static enum log_format log_format = FORMAT_TEXT;

void log_setup(const char *level, const char *format)
{
	for (size_t i = 0; level && i < ARRAY_SIZE(level_names); i++)
		if (strcmp(level, level_names[i]) == 0)
			log_level = (enum log_level)i;
	if (format)
		log_format = strcmp(format, "json") == 0     ? FORMAT_JSON
			     : strcmp(format, "logfmt") == 0 ? FORMAT_LOGFMT
							     : FORMAT_TEXT;
}

static void timestamp(char *text, size_t size)
{
	uint64_t now = clock_wall_ns();
	time_t seconds = (time_t)(now / 1000000000ULL);
	struct tm tm;
	char day[32];

	gmtime_r(&seconds, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, size, "%s.%03uZ", day, (unsigned int)(now / 1000000 % 1000));
}

static void line_json(struct buf *line, const char *time, const char *level, const char *message)
{
	json_t *o = json_pack("{s:s,s:s,s:s}", "ts", time, "level", level, "msg", message);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	if (text)
		buf_str(line, text);
	free(text);
	json_decref(o);
}

static void line_logfmt(struct buf *line, const char *time, const char *level, const char *message)
{
	buf_printf(line, "ts=%s level=%s msg=\"", time, level);
	for (const char *p = message; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_char(line, '\\');
		buf_char(line, *p);
	}
	buf_char(line, '"');
}

/* Continued lines stand behind "sysscope: ". */
#define CONTINUED 10
#define WIDTH	  80
#define WIDTH_MIN 40

/* Of a terminal; 0: it is none, and a message is one line. */
static int stderr_width(void)
{
	struct winsize size;

	if (!isatty(STDERR_FILENO))
		return 0;
	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= WIDTH_MIN ? size.ws_col : WIDTH;
}

static void line_write(const struct buf *text)
{
	_cleanup_buf_ struct buf line = {};
	int width = log_format == FORMAT_TEXT ? stderr_width() : 0;

	if (width)
		text_wrap(&line, text->data ?: "", 0, CONTINUED, width);
	else
		buf_str(&line, text->data ?: "");
	buf_char(&line, '\n');
	if (text->failed || line.failed) {
		/* No memory for the message, which then may hold names that nobody has sanitised: what matters is why. */
		static const char no_memory[] = "sysscope: error: out of memory\n";

		if (write(STDERR_FILENO, no_memory, sizeof(no_memory) - 1) < 0)
			return;
	} else if (write(STDERR_FILENO, line.data, line.len) < 0) {
		return;
	}
}

void log_usage(const char *format, ...)
{
	_cleanup_buf_ struct buf line = {};
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	line.failed = !text;
	buf_str(&line, text ?: "");
	free(text);
	line_write(&line);
}

void log_message(enum log_level level, const char *format, ...)
{
	_cleanup_buf_ struct buf safe = {}, line = {};
	char text[2048], time[48];
	va_list args;

	if (level > log_level)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_terminal(&safe, text, strlen(text));
	timestamp(time, sizeof(time));
	if (log_format == FORMAT_JSON)
		line_json(&line, time, level_names[level], safe.data ? safe.data : "");
	else if (log_format == FORMAT_LOGFMT)
		line_logfmt(&line, time, level_names[level], safe.data ? safe.data : "");
	else
		buf_printf(&line, "sysscope: %s%s", level <= LOG_LEVEL_WARNING ? (level ? "warning: " : "error: ") : "",
			   safe.data ? safe.data : "");
	line.failed |= safe.failed;
	line_write(&line);
}
