/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * formulas.c - see formulas.h. A rule repeats how the model reckons a value, operation by operation. Where it does not, no value is
 * wrong: it only takes its place in the recording, as it would without a rule.
 */
#include <errno.h>
#include <string.h>

#include "record/shape/formulas.h"

struct formula {
	enum shape_table table;
	const char *cell;
	enum rule_kind kind;
	const char *of; /* names, a blank between them; of rules about clocks the first is in the table of the host */
};

#define TOTAL(NAME)    "v." NAME "_seconds_total"
#define CPU	       TOTAL("cpu")
#define WAITS	       TOTAL("wakeup_wait") " " TOTAL("preempted_wait")
#define RATIO(NAME)    "v.pressure_ratio." NAME
#define PRESSURE(NAME) SHAPE_CONTAINERS, RATIO(NAME), RULE_TIME_SHARE, TOTAL("pressure") "." NAME
#define CLASS_OF(NAME) TOTAL("blocked") "." NAME
#define SLEEPS(TABLE, X)                                  \
	{                                                 \
		SHAPE_##TABLE, X, RULE_CLOCK, "sleeps_ns" \
	}

/* clang-format off */
#define CONTAINER_CLASS(ID, NAME, PHRASE) SLEEPS(CONTAINERS, CLASS_OF(NAME)),
#define PROCESS_CLASS(ID, NAME, PHRASE)	  SLEEPS(PROCESSES, CLASS_OF(NAME)),
static const struct formula formulas[] = {
	{SHAPE_CONTAINERS, CPU, RULE_GROWS, TOTAL("cpu_tasks")},
	{SHAPE_CONTAINERS, TOTAL("cpu_user"), RULE_LEFT, CPU " " TOTAL("cpu_system")},
	{SHAPE_CONTAINERS, "v.SCHEDSTAT_RUN", RULE_EQUAL, TOTAL("cpu_tasks")},
	{SHAPE_CONTAINERS, TOTAL("runq_wait"), RULE_GROWS, WAITS},
	{SHAPE_CONTAINERS, "v.cpu_cores", RULE_TIME, CPU},
	{SHAPE_CONTAINERS, "v.running_average", RULE_TIME, TOTAL("cpu_tasks")},
	{SHAPE_CONTAINERS, "v.runnable_average", RULE_TIME, TOTAL("cpu_tasks") " " WAITS},
	{SHAPE_CONTAINERS, "v.runq_wait_seconds_per_second", RULE_RATE, WAITS},
	{SHAPE_CONTAINERS, "v.throttled_wait_ratio", RULE_GROWTHS,
	 TOTAL("throttled_wait") " " TOTAL("cpu_tasks") " " WAITS},
	{SHAPE_CONTAINERS, "v.DELAY_SUM", RULE_GROWS, WAITS " " TOTAL("throttled_wait")},
	{SHAPE_CONTAINERS, "v.DELAY_INF", RULE_EQUAL, "v.runq_waits_total"},
	{PRESSURE("cpu_some")}, {PRESSURE("cpu_full")}, {PRESSURE("memory_some")}, {PRESSURE("memory_full")},
	{PRESSURE("io_some")}, {PRESSURE("io_full")},
	{SHAPE_CONTAINERS, "v.memory_limit_ratio", RULE_QUOTIENT, "v.memory_working_set_bytes v.memory_limit_bytes"},
	{SHAPE_CONTAINERS, "v.reclaim_stall_seconds_per_second", RULE_RATE,
	 TOTAL("reclaim_stall") ".limit " TOTAL("reclaim_stall") ".machine"},
	{SHAPE_CONTAINERS, "v.forks_per_second", RULE_RATE, "v.forks_total"},
	{SHAPE_CONTAINERS, "v.major_page_faults_per_second", RULE_RATE, "v.major_page_faults_total"},
	{SHAPE_CONTAINERS, "v.memory_refaults_per_second", RULE_RATE,
	 "v.memory_refaults_total.anon v.memory_refaults_total.file"},
	{SHAPE_CONTAINERS, "v.network_receive_bytes_per_second", RULE_RATE, "v.network_receive_bytes_total"},
	{SHAPE_CONTAINERS, "v.network_transmit_bytes_per_second", RULE_RATE, "v.network_transmit_bytes_total"},
	{SHAPE_CONTAINERS, "v.disk_read_bytes_per_second", RULE_RATE, "v.disk_read_bytes_total"},
	{SHAPE_CONTAINERS, "v.disk_write_bytes_per_second", RULE_RATE, "v.disk_write_bytes_total"},
	{SHAPE_CONTAINERS, "v.last_seen", RULE_ABOVE, ""},
	WAIT_CLASS_LIST(CONTAINER_CLASS)

	{SHAPE_PROCESSES, "v.age_seconds", RULE_AGE, "clock_ns start_ns"},
	{SHAPE_PROCESSES, TOTAL("cpu_user"), RULE_LEFT, CPU " " TOTAL("cpu_system")},
	{SHAPE_PROCESSES, TOTAL("runq_wait"), RULE_GROWS, WAITS},
	{SHAPE_PROCESSES, "v.cpu_cores", RULE_CORES, CPU},
	{SHAPE_PROCESSES, "v.runq_wait_seconds_per_second", RULE_RATE, WAITS},
	{SHAPE_PROCESSES, "v.runnable_average", RULE_NS_MORE, "v.cpu_cores v.runq_wait_seconds_per_second"},
	{SHAPE_PROCESSES, "v.switches_per_second", RULE_RATE, "v.voluntary_switches_total v.involuntary_switches_total"},
	WAIT_CLASS_LIST(PROCESS_CLASS)
	SLEEPS(PROCESSES, TOTAL("uninterruptible")), SLEEPS(PROCESSES, TOTAL("iowait")),
	{SHAPE_PROCESSES, "evidence.asleep_ns", RULE_GROWS,
	 CLASS_OF("epoll") " " CLASS_OF("poll") " " CLASS_OF("futex") " " CLASS_OF("sleep") " " CLASS_OF("file") " "
	 CLASS_OF("network") " " CLASS_OF("pipe") " " CLASS_OF("child") " " CLASS_OF("io_uring") " "
	 CLASS_OF("fault") " " CLASS_OF("kernel") " " CLASS_OF("other")},
	{SHAPE_PROCESSES, "evidence.main_ns", RULE_GROWS, "evidence.asleep_ns"},

	{SHAPE_NEIGHBOURS, "v.wait_seconds_per_second", RULE_RATE, TOTAL("wait")},
	{SHAPE_NEIGHBOURS, "v.wait_ratio", RULE_PART, "v.wait_seconds_per_second waiter"},

	{SHAPE_DISKS, "v.read_bytes_per_second", RULE_RATE, "v.read_bytes_total"},
	{SHAPE_DISKS, "v.write_bytes_per_second", RULE_RATE, "v.write_bytes_total"},
	{SHAPE_DISKS, "v.operations_per_second", RULE_RATE, "v.reads_total v.writes_total"},
	{SHAPE_DISKS, "v.USAGE_READ", RULE_EQUAL, "v.read_bytes_total"},
	{SHAPE_DISKS, "v.USAGE_WRITE", RULE_EQUAL, "v.write_bytes_total"},
	{SHAPE_DISK_NEIGHBOURS, "v.wait_seconds_per_second", RULE_RATE, TOTAL("wait")},
	{SHAPE_DEVICES, "v.read_bytes_per_second", RULE_RATE, "v.read_bytes_total"},
	{SHAPE_DEVICES, "v.write_bytes_per_second", RULE_RATE, "v.write_bytes_total"},
	{SHAPE_INTERFACES, "v.receive_bytes_per_second", RULE_RATE, "v.receive_bytes_total"},
	{SHAPE_INTERFACES, "v.transmit_bytes_per_second", RULE_RATE, "v.transmit_bytes_total"},
	{SHAPE_INTERFACES, "v.receive_packets_per_second", RULE_RATE, "v.receive_packets_total"},
	{SHAPE_INTERFACES, "v.transmit_packets_per_second", RULE_RATE, "v.transmit_packets_total"},
};
/* Each of these counts what the next one counts, too. */
#define BUCKET(NAME, LE, BITS) "v.DELAY_" #NAME,
static const char *const delay_buckets[] = {DELAY_BUCKETS(BUCKET) "v.DELAY_INF"};
/* clang-format on */

/* The number of the cell of that name, UINT32_MAX: there is none. */
static uint32_t cell_named(enum shape_table table, const char *name, size_t n)
{
	const struct shape_desc *d = &shapes[table];
	uint32_t cell = 0;

	for (size_t i = 0; i < d->n_fields; i++)
		for (size_t k = 0; k < field_cells(&d->fields[i]); k++, cell++) {
			_cleanup_buf_ struct buf one = {};

			shape_cell_name(&one, &d->fields[i], k);
			if (one.len == n && memcmp(one.data, name, n) == 0)
				return cell;
		}
	return UINT32_MAX;
}

static int formula_add(struct cell_rules *r, const struct formula *f, const struct cell_types *cells,
		       const struct cell_types *clocks)
{
	struct cell_rule rule = {.kind = f->kind, .cell = cell_named(f->table, f->cell, strlen(f->cell))};
	bool clock = f->kind == RULE_AGE || f->kind == RULE_CLOCK;

	for (const char *at = f->of; *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");

		if (rule.n == RULE_CELLS_MAX)
			return -EBADMSG;
		rule.of[rule.n] = cell_named(clock && !rule.n ? SHAPE_HOST : f->table, at, n);
		rule.n++;
		at += n;
	}
	return rules_add(r, &rule, cells, clocks);
}

int formulas_add(struct cell_rules *r, enum shape_table table, const struct cell_types *cells,
		 const struct cell_types *clocks)
{
	int error = 0;

	for (size_t i = 0; i < ARRAY_SIZE(formulas) && !error; i++)
		if (formulas[i].table == table)
			error = formula_add(r, &formulas[i], cells, clocks);
	for (size_t i = ARRAY_SIZE(delay_buckets) - 1; table == SHAPE_CONTAINERS && i-- > 0 && !error;) {
		const struct formula f = {table, delay_buckets[i], RULE_GROWS, delay_buckets[i + 1]};

		error = formula_add(r, &f, cells, clocks);
	}
	return error;
}
