/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "base/util.h"
#include "snapshot_fixture.h"

void fixture_absent(double *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		v[i] = VALUE_ABSENT;
}

static void *fixture_alloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		abort();
	return p;
}

void fixture_init(struct fixture *f, size_t containers, size_t groups, size_t processes)
{
	static const struct loss_row losses[] = {{"ring_full", 0}, {"gone_folded", 3}};
	static const struct collector_row collectors[] = {{"tasks", true, 0.00125}, {"cgroupfs", false, 0.5}};

	*f = (struct fixture){.containers = fixture_alloc(containers, sizeof(*f->containers)),
			      .groups = fixture_alloc(groups, sizeof(*f->groups)),
			      .processes = fixture_alloc(processes, sizeof(*f->processes))};
	f->s = (struct snapshot){.sequence = 2,
				 .time = 1700000000.125,
				 .interval = 1,
				 .kernel = "6.1.0",
				 .hostname = "fixture",
				 .containers = f->containers,
				 .n_containers = containers,
				 .groups = f->groups,
				 .n_groups = groups,
				 .processes = f->processes,
				 .n_processes = processes,
				 .losses = losses,
				 .n_losses = ARRAY_SIZE(losses),
				 .collectors = collectors,
				 .n_collectors = ARRAY_SIZE(collectors)};
	fixture_absent(f->s.v, HOST_METRICS);
	for (size_t i = 0; i < containers; i++) {
		f->containers[i] = (struct container_row){.name = "web",
							  .id = "",
							  .runtime = "docker",
							  .image = "",
							  .pod = "",
							  .namespace_ = "",
							  .labels = "",
							  .kind = "container",
							  .cgroup = "/docker/web",
							  .parent = "",
							  .parent_cgroup = "",
							  .state = "running",
							  .uid = -1};
		fixture_absent(f->containers[i].v, CONTAINER_METRICS);
	}
	for (size_t i = 0; i < groups; i++) {
		f->groups[i] = (struct group_row){.comm = "nginx"};
		fixture_absent(f->groups[i].v, GROUP_METRICS);
	}
	for (size_t i = 0; i < processes; i++) {
		f->processes[i] = (struct process_row){
			.pid = (uint32_t)i + 1, .comm = "nginx", .thread = "nginx", .state = 'S', .start_time = 1.5};
		fixture_absent(f->processes[i].v, PROCESS_METRICS);
	}
}

void fixture_free(struct fixture *f)
{
	free(f->containers);
	free(f->groups);
	free(f->processes);
}
