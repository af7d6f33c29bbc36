/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * privilege.c - the rule about capabilities that a container has and does not use. Called by judge.c through the table in
 * rules.def.
 */
#include <stdlib.h>
#include <string.h>

#include "diagnose/case/advice.h"
#include "diagnose/processes/foreign.h"
#include "view/expected.h"

#define CAPABILITY(number) (1ULL << (number))
/*
 * Whoever has one of these is not held by the container: DAC_READ_SEARCH (files of the machine by handle), NET_ADMIN, SYS_MODULE,
 * SYS_RAWIO, SYS_PTRACE, SYS_ADMIN, SYS_BOOT, MAC_OVERRIDE, MAC_ADMIN, BPF. None of them is among Docker's defaults.
 */
#define POWERFUL                                                                                              \
	(CAPABILITY(2) | CAPABILITY(12) | CAPABILITY(16) | CAPABILITY(17) | CAPABILITY(19) | CAPABILITY(21) | \
	 CAPABILITY(22) | CAPABILITY(32) | CAPABILITY(33) | CAPABILITY(39))

/* Each name of the set with this before it. */
static const char *capabilities_text(struct judging *j, uint64_t set, const char *before, const char *between)
{
	_cleanup_buf_ struct buf out = {};

	for (unsigned int i = 0; i < CAPABILITIES; i++) {
		if (!(set >> i & 1))
			continue;
		buf_printf(&out, "%s%s", out.len ? between : "", before);
		capability_name(&out, i);
	}
	return judge_text(j, "%s", out.data ?: "");
}

/* Of the checks that were granted, those that are the container's own. */
static bool check_is_own(const struct container_row *c, const struct check_row *check)
{
	return !check->denied && !check->foreign && !check->early &&
	       (!c->user_namespace || check->user_namespace == c->user_namespace) &&
	       !runtime_named(check->comm, HOME_CONTAINER);
}

static void privilege_advice(struct judging *j, struct finding *f, const struct container_row *c, uint64_t unused)
{
	const char *name = advice_name(j, c->name);
	bool docker = strcmp(c->runtime, "docker") == 0 || strcmp(c->runtime, "podman") == 0;

	if (c->pod[0])
		finding_advice(j, f, "try it with securityContext.capabilities.drop: [%s] in the spec of pod %s",
			       capabilities_text(j, unused, "", ", "), advice_name(j, c->pod));
	else if (docker && c->capabilities_effective == j->now->capabilities_all)
		finding_advice(j, f, "try it without --privileged, with --cap-add of what it uses");
	else if (docker)
		finding_advice(j, f, "try it with%s", capabilities_text(j, unused, " --cap-drop ", ""));
	else
		finding_advice(j, f, "try it without %s", capabilities_text(j, unused, "", ", "));
	finding_advice(j, f, "first see for longer what it uses: sysscope capabilities --for 3600 --container %s",
		       name);
}

static void privilege_say(struct judging *j, uint32_t i, uint64_t powerful, uint64_t used)
{
	const struct container_row *c = &j->now->containers[i];
	const struct process_row *oldest = &j->now->processes[c->oldest_process - 1];
	uint64_t unused = powerful & ~used;
	struct finding *f = judge_find(j, i, FINDING_NOTICE);
	double before = oldest->v[PROCESS_AGE] / 1e9 - j->w->seconds;

	if (!f)
		return;
	f->confidence = j->w->seconds >= judge_threshold(j, UNUSED_PRIVILEGE_LONG) ? FINDING_MEDIUM : FINDING_LOW;
	finding_headline(j, f, judge_excess(__builtin_popcountll(unused), 1), "%s has %s and did not use %s in %.0f s",
			 c->name, capabilities_text(j, unused, "", ", "), unused & (unused - 1) ? "them" : "it",
			 j->w->seconds);
	finding_evidence(j, f, "capabilities_effective", 0, "",
			 "its processes have them in the machine's user namespace");
	if (powerful & used)
		finding_evidence(j, f, "", 0, "", "of the powerful ones it used %s",
				 capabilities_text(j, powerful & used, "", ", "));
	if (before >= 1)
		finding_evidence(j, f, "age_seconds", before, "seconds",
				 "it had run for %.0f s before; what it used then is not known", before);
	privilege_advice(j, f, c, unused);
}

static bool checks_counted(const struct snapshot *s)
{
	for (size_t i = 0; i < s->n_collectors; i++)
		if (strcmp(s->collectors[i].name, "capabilities") == 0)
			return s->collectors[i].ok;
	return false;
}

/* Why nothing can be said, having said so. */
static bool privilege_unknown(struct judging *j)
{
	/* Two clocks differ by less. */
	if (j->w->seconds < judge_threshold(j, UNUSED_PRIVILEGE_SECONDS) * 0.99) {
		judge_cannot(j, "%.0f s are too short to say what it does not need: %s %.0f%s", j->w->seconds,
			     j->o->recorded ? "--last" : "--for", judge_threshold(j, UNUSED_PRIVILEGE_SECONDS),
			     j->o->recorded ? "s" : "");
		return true;
	}
	if (!checks_counted(j->now)) {
		judge_cannot(j, "collector capabilities %s", judge_why_off(j));
		return true;
	}
	for (size_t i = 0; i < j->now->n_losses; i++)
		if (strcmp(j->now->losses[i].kind, "capability_lost") == 0 && window_loss(j->w, i) > 0) {
			judge_cannot(j, "checks of capabilities were lost");
			return true;
		}
	return false;
}

void judge_unused_privilege(struct judging *j)
{
	_cleanup_free_ uint64_t *used = calloc(j->now->n_containers + 1, sizeof(*used));
	const struct process_row *machine = machine_process(j->now);

	if (!used) {
		j->failed = true;
		return;
	}
	if (privilege_unknown(j))
		return;
	for (size_t i = 0; i < j->now->n_checks; i++) {
		const struct check_row *check = &j->now->checks[i];

		if (check->capability < 64 && check_is_own(&j->now->containers[check->container], check))
			used[check->container] |= CAPABILITY(check->capability);
	}
	for (uint32_t i = 0; machine && i < j->now->n_containers; i++) {
		const struct container_row *c = &j->now->containers[i];
		uint64_t powerful = c->capabilities_effective & POWERFUL;

		if (c->dead || strcmp(c->kind, "container") != 0 || !c->oldest_process ||
		    c->user_namespace != machine->namespaces[SPACE_USER] || !(powerful & ~used[i]) ||
		    window_is_new(j->w, WINDOW_PROCESSES, c->oldest_process - 1))
			continue;
		privilege_say(j, i, powerful, used[i]);
	}
}
