/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bugreport.c - `sysscope bugreport FILE`: what a maintainer needs, as one tar file: what `doctor` says, the build, the kernel, the
 * last minutes of the recording, or some seconds that are recorded for it, and what `diagnose` finds in these; names replaced on
 * request. Writes to FILE, which must not be there, and to a temporary folder, which it removes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/doctor.h"
#include "cli/past/chosen.h"
#include "cli/run.h"
#include "cli/verbs.h"
#include "events/feed.h"
#include "events/kept.h"
#include "exporters/findings/findings.h"
#include "past/extract.h"
#include "past/span.h"
#include "past/tar.h"
#include "record/folder.h"

#define REPORT_FOLDER  "sysscope-report"
#define REPORT_SECONDS 300.0
#define OWN_SAMPLES    11
#define OWN_INTERVAL   1.0

static const char report_readme[] =
	"A report by `sysscope bugreport`.\n\n"
	"  doctor.txt     what this kernel offers, and which hook each collector has\n"
	"  build.txt      the version of sysscope, the kernel\n"
	"  diagnosis.txt  what the rules find in the recording\n"
	"  recording/     the last minutes, with events; it needs neither root nor this machine:\n\n"
	"      sysscope top --replay " REPORT_FOLDER "/recording\n"
	"      sysscope events --replay " REPORT_FOLDER "/recording --type all\n"
	"      sysscope diagnose --replay " REPORT_FOLDER "/recording --last 1d\n";

struct report {
	const char *file;
	bool redact;
	struct past_choice past;
	struct pseudonyms *names;
	struct event_feed *events;	/* what happens while it records for itself */
	struct recorder *to;		/* then; else NULL */
	char folder[64], recording[96]; /* temporary; "": there is none */
	int out;
	uint64_t time;
	struct buf findings;
};

/* ---- the temporary folder ---- */

static int report_folder_make(struct report *r)
{
	const char *top = getenv("TMPDIR");

	if (!top || !*top || strlen(top) > 32)
		top = "/tmp";
	snprintf(r->folder, sizeof(r->folder), "%s/sysscope-report.XXXXXX", top);
	if (!mkdtemp(r->folder)) {
		log_error("cannot make a folder in %s: %s", top, strerror(errno));
		r->folder[0] = '\0';
		return EXIT_FAILED;
	}
	snprintf(r->recording, sizeof(r->recording), "%s/recording", r->folder);
	return RUN_CONTINUE;
}

static void report_folder_remove(const struct report *r)
{
	DIR *dir = r->folder[0] ? opendir(r->recording) : NULL;
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	if (r->folder[0]) {
		rmdir(r->recording);
		rmdir(r->folder);
	}
}

/* ---- the recording ---- */

static int report_refuse(const char *what, int error)
{
	log_error("cannot write the report: %s: %s", what, strerror(-error));
	return EXIT_FAILED;
}

static int recording_copy(struct report *r, struct replay *from, const struct extract_choice *c)
{
	const struct replay_place *place = replay_place(from);
	const struct extract_origin of = {
		.host = replay_host(from),
		.kernel = replay_kernel(from),
		.interval = place->interval_ns > 0 ? (double)place->interval_ns / 1e9 : 1,
		.fact_kinds = replay_fact_kinds(from),
	};
	_cleanup_buf_ struct buf error = {}, damage = {};
	struct recorder *to = NULL;
	uint64_t lost = 0;
	int n = extract_begin(&to, r->recording, &of, r->names, &error);

	n = n ?: extract_copy(to, from, c, &lost);
	recorder_close(to);
	if (replay_damage_text(from, &damage))
		log_warning("%s", damage.data);
	if (lost)
		log_warning("%llu events have found no room in the report", (unsigned long long)lost);
	return n < 0 ? report_refuse(error.data ?: "the recording", n) : RUN_CONTINUE;
}

static bool event_report(void *ctx, const struct event *e)
{
	const struct report *r = ctx;

	return r->to && recorder_fact(r->to, e) == 0;
}

static int samples_make(struct run *run, struct report *r)
{
	const struct snapshot *s;
	int n = 0;

	for (int i = 0; n == 0 && i < OWN_SAMPLES && !run_stopped(); i++) {
		s = run->source->next(run->source->ctx, &n);
		kept_events_snapshot(r->events, run->live, s);
		n = s ? recorder_note(r->to, s) : n;
		if (n == 0 && i + 1 < OWN_SAMPLES)
			n = run_wait(run, clock_boot_ns() + (uint64_t)(OWN_INTERVAL * 1e9));
	}
	run_idle(run);
	return n;
}

/* Some seconds of what is now. */
static int recording_make(struct run *run, struct report *r)
{
	struct extract_origin of = {.interval = OWN_INTERVAL, .fact_kinds = kept_events_own_kinds()};
	_cleanup_buf_ struct buf error = {};
	struct utsname name = {};
	int n = kept_events_open(&r->events, event_report, r, &run->pipeline), code;

	if (n < 0)
		return report_refuse("events", n);
	code = run_open(run);
	if (code != RUN_CONTINUE) {
		log_warning("the report is without a recording");
		return RUN_CONTINUE;
	}
	uname(&name);
	of.host = name.nodename;
	of.kernel = name.release;
	log_info("nobody records on this machine: recording for %g s", (OWN_SAMPLES - 1) * OWN_INTERVAL);
	n = extract_begin(&r->to, r->recording, &of, r->names, &error);
	n = n ?: samples_make(run, r);
	recorder_close(r->to);
	r->to = NULL;
	run_close(run);
	return n < 0 ? report_refuse(error.data ?: "the recording", n) : RUN_CONTINUE;
}

static int recording_take(struct run *run, struct report *r)
{
	struct extract_choice c = {.names = r->names, .stop = run_stop_flag()};
	struct replay *from = NULL;
	int code = chosen_open("bugreport", &r->past, NULL, &from, &c.from, &c.to);

	if (code == RUN_CONTINUE)
		code = recording_copy(r, from, &c);
	else if (code == -ENODATA)
		code = recording_make(run, r);
	replay_close(from);
	return code;
}

/* What the rules find in the report's own recording, whose names are what they shall be. */
static void recording_judge(struct report *r)
{
	_cleanup_buf_ struct buf error = {};
	struct diagnosis_options options;
	struct match_choice containers;
	struct span_choice c = {.to = 1e18, .options = &options, .containers = &containers, .stop = run_stop_flag()};
	struct past_span span = {};
	struct replay *replay = NULL;

	diagnosis_options_init(&options);
	options.recorded = true;
	options.recording = REPORT_FOLDER "/recording";
	match_choice_init(&containers, NULL, 0);
	if (replay_open(&replay, r->recording, &error) == 0 && span_judge(&span, replay, &c) == 0)
		findings_text(&r->findings, &span.findings, span.last, false);
	span_free(&span);
	match_choice_free(&containers);
	replay_close(replay);
}

/* ---- the file ---- */

static int page_put(const struct report *r, const char *name, const struct buf *text)
{
	_cleanup_buf_ struct buf path = {};

	buf_printf(&path, "%s/%s", REPORT_FOLDER, name);
	if (path.failed || text->failed)
		return -ENOMEM;
	return tar_file(r->out, path.data, r->time, text->data ?: "", text->len);
}

static int doctor_put(const struct run *run, const struct report *r)
{
	_cleanup_buf_ struct buf said = {}, clean = {};
	int n = doctor_report(&said, run);

	if (n == 0 && r->names)
		pseudonyms_page(r->names, &clean, said.data ?: "");
	return n ?: page_put(r, "doctor.txt", r->names ? &clean : &said);
}

static int build_put(const struct report *r)
{
	_cleanup_buf_ struct buf text = {};
	struct utsname name = {};

	uname(&name);
	buf_printf(&text, "sysscope %s (%s), %s\n", SYSSCOPE_VERSION, SYSSCOPE_REVISION, __VERSION__);
	buf_printf(&text, "%s %s %s\n%s\n", name.sysname, name.release, name.machine, name.version);
	buf_printf(&text, "user %u\nnames %s\n", geteuid(), r->names ? "replaced" : "as they are");
	return page_put(r, "build.txt", &text);
}

static int segments_put(const struct report *r)
{
	_cleanup_buf_ struct buf error = {};
	_cleanup_close_ int folder = -1;
	cleanup(folder_segments_free) struct folder_segments segments = {};
	int n = 0;

	if (access(r->recording, F_OK) < 0)
		return 0;
	n = tar_folder(r->out, REPORT_FOLDER "/recording/", r->time);
	n = n ?: folder_open(r->recording, &folder, &error);
	n = n ?: folder_segments_list(folder, &segments);
	n = n
		    ?: tar_file(r->out, REPORT_FOLDER "/recording/" RECORDING_MARK, r->time, RECORDING_MARK_TEXT,
				strlen(RECORDING_MARK_TEXT));
	for (size_t i = 0; i < segments.list.n && n == 0; i++) {
		_cleanup_close_ int in = -1;
		char path[100];
		uint64_t bytes;

		snprintf(path, sizeof(path), REPORT_FOLDER "/recording/%s", segments.list.at[i].name);
		n = folder_file(folder, segments.list.at[i].name, &in, &bytes);
		n = n ?: tar_file_from(r->out, path, r->time, in);
	}
	return n;
}

static int report_write(const struct run *run, struct report *r)
{
	int n = tar_folder(r->out, REPORT_FOLDER "/", r->time);

	n = n ?: tar_file(r->out, REPORT_FOLDER "/README.txt", r->time, report_readme, strlen(report_readme));
	n = n ?: doctor_put(run, r);
	n = n ?: build_put(r);
	if (r->findings.len)
		n = n ?: page_put(r, "diagnosis.txt", &r->findings);
	n = n ?: segments_put(r);
	n = n ?: tar_end(r->out);
	if (n == 0 && r->names)
		n = pseudonyms_failed(r->names);
	if (n == 0 && fsync(r->out) < 0 && errno != EINVAL && errno != ENOTSUP)
		n = -errno;
	return n < 0 ? report_refuse(r->file, n) : EXIT_DONE;
}

static int report_open(struct report *r)
{
	r->out = open(r->file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (r->out >= 0)
		return RUN_CONTINUE;
	if (errno == EEXIST)
		log_error("%s is there already: choose another name", r->file);
	else
		log_error("cannot make %s: %s", r->file, strerror(errno));
	return EXIT_FAILED;
}

static int report_make(struct run *run, struct report *r)
{
	int code = report_folder_make(r);

	if (r->redact && !(r->names = pseudonyms_new()))
		code = report_refuse("names", -ENOMEM);
	if (code == RUN_CONTINUE)
		code = recording_take(run, r);
	if (code == RUN_CONTINUE) {
		recording_judge(r);
		code = report_write(run, r);
	}
	report_folder_remove(r);
	return code;
}

static int bugreport_body(struct run *run)
{
	struct report r = {.out = -1, .time = clock_wall_ns() / 1000000000ULL};
	const struct option_row rows[] = {
		PAST_ROW_REPLAY(&r.past),
		PAST_ROW_LAST(&r.past),
		ROW_FLAG("redact", 0, &r.redact, "replace names of containers, processes, hosts and paths"),
		ROW_PLACE("FILE", &r.file),
	};
	int code;

	r.past.usual = REPORT_SECONDS;
	r.past.running_only = true;
	code = run_parse(run, rows, ARRAY_SIZE(rows));
	if (code == RUN_CONTINUE)
		code = report_open(&r);
	if (code != RUN_CONTINUE)
		return code;
	code = report_make(run, &r);
	if (code != EXIT_DONE)
		unlink(r.file);
	else
		log_info("wrote %s%s", r.file, r.names ? "" : "; it has the names of containers and processes in it");
	close(r.out);
	run_close(run);
	event_feed_free(r.events);
	pseudonyms_free(r.names);
	buf_free(&r.findings);
	return code;
}

const struct verb verb_bugreport = {
	.name = "bugreport",
	.summary = "one file for a maintainer, which can be replayed",
	.about = "Writes a tar file with what `doctor` says, the build, the last five minutes of the recording of the "
		 "sysscope "
		 "that records on this machine, or ten seconds that are recorded for it, and what `diagnose` finds in "
		 "them.",
	.rest = "FILE",
	.examples = "  sysscope bugreport report.tar\n"
		    "  sysscope bugreport --redact --last 15m report.tar\n"
		    "  tar xf report.tar; sysscope top --replay " REPORT_FOLDER "/recording\n",
	.shares = VERB_COLLECTORS | VERB_DOCKER_ROOTS,
	.body = bugreport_body,
};
