/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_sched_conservation.c - of every thread's time each moment is accounted for once: on a CPU, waiting for one, or
 * asleep. 50 threads of mixed behaviour for 5 s. And the context switches of a process are those of getrusage.
 */
#include <sys/epoll.h>
#include <sys/resource.h>

#include "lib/sched_test.h"

#define THREADS 50
#define SECONDS 5

static volatile bool stop;
static int words[THREADS];
static uint32_t tids[THREADS];
static int folder = -1;

static void spin(double for_seconds)
{
	double end = now_seconds() + for_seconds;

	while (!stop && now_seconds() < end)
		;
}

static void ping_pong(int i)
{
	int *mine = &words[i], *other = &words[i % 5 == 2 ? i + 1 : i - 1];

	while (!stop) {
		__atomic_add_fetch(other, 1, __ATOMIC_SEQ_CST);
		futex(other, FUTEX_WAKE_PRIVATE, 1);
		futex(mine, FUTEX_WAIT_PRIVATE, __atomic_load_n(mine, __ATOMIC_SEQ_CST));
	}
}

static void wait_in_epoll(void)
{
	struct epoll_event event;
	int fd = epoll_create1(EPOLL_CLOEXEC);

	while (!stop) {
		epoll_wait(fd, &event, 1, 7);
		spin(0.0005);
	}
	close(fd);
}

static void write_files(int i)
{
	char name[16], block[4096] = {};
	int fd;

	snprintf(name, sizeof(name), "f%d", i);
	fd = openat(folder, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	while (!stop && fd >= 0) {
		if (pwrite(fd, block, sizeof(block), 0) < 0 || fsync(fd) < 0)
			break;
		usleep(1000);
	}
	if (fd >= 0)
		close(fd);
	unlinkat(folder, name, 0);
}

static void *thread_run(void *ctx)
{
	int i = (int)(intptr_t)ctx;

	tids[i] = my_tid();
	while (!stop) {
		switch (i % 5) {
		case 0:
			spin(1);
			break;
		case 1:
			usleep(3000);
			break;
		case 2:
		case 3:
			ping_pong(i);
			break;
		case 4:
			if (i % 2)
				wait_in_epoll();
			else
				write_files(i);
			break;
		}
	}
	return NULL;
}

/*
 * When in a sample a thread was read is not known, and on a busy machine a sample is not over at once: the true time is
 * `wall`, give or take `slack`.
 */
static void check_conservation(const struct thread_times *before, double wall, double slack)
{
	double worst = 0, least = 1e9, most = 0;
	int bad = 0, seen = 0;

	for (int i = 0; i < THREADS; i++) {
		struct thread_times t = thread_times(tids[i]);
		double sum = t.exec - before[i].exec + t.wait - before[i].wait + t.blocked - before[i].blocked;

		if (!t.found || !before[i].found)
			continue;
		seen++;
		least = sum < least ? sum : least;
		most = sum > most ? sum : most;
		if (fabs(sum / wall - 1) > fabs(worst))
			worst = sum / wall - 1;
		if (fabs(sum - wall) <= 0.01 * wall + slack)
			continue;
		bad++;
		printf("# thread %d of kind %d: %.4f on a CPU + %.4f waiting + %.4f asleep = %.4f, true is %.4f\n", i,
		       i % 5, t.exec - before[i].exec, t.wait - before[i].wait, t.blocked - before[i].blocked, sum,
		       wall);
	}
	check(seen == THREADS, "every thread is in both samples: saw %d, true is %d", seen, THREADS);
	check(most - least <= 0.02 * wall + 2 * slack, "all threads have the same time: saw %.4f to %.4f s", least,
	      most);
	if (bad && fabs(worst) < 0.05 && clock_is_coarse())
		printf("ok %d - their time is wall time, worst %+.3f %% " COARSE_CLOCK "\n", ++test_number,
		       worst * 100);
	else
		check(!bad,
		      "on a CPU + waiting + asleep = wall within 1 %% and %.4f s for every thread: saw %d of %d off, "
		      "worst %+.3f %%",
		      slack, bad, THREADS, worst * 100);
}

static void conservation(void)
{
	struct thread_times before[THREADS];
	char path[] = "/var/tmp/sysscope-test-XXXXXX";
	pthread_t threads[THREADS];
	double began[2], ended[2];

	if (mkdtemp(path))
		folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, thread_run, (void *)(intptr_t)i);
	/* The samples are taken beside 50 threads that want the CPU, and what one takes is what the sums may be off. */
	if (setpriority(PRIO_PROCESS, my_tid(), -20) < 0)
		printf("# setpriority: %s\n", strerror(errno));
	sleep(1);
	began[0] = now_seconds();
	snapshot_take();
	began[1] = now_seconds();
	for (int i = 0; i < THREADS; i++)
		before[i] = thread_times(tids[i]);
	sleep(SECONDS);
	ended[0] = now_seconds();
	snapshot_take();
	ended[1] = now_seconds();
	setpriority(PRIO_PROCESS, my_tid(), 0);
	check_conservation(before, (ended[0] + ended[1] - began[0] - began[1]) / 2,
			   (ended[1] - ended[0] + began[1] - began[0]) / 2);
	stop = true;
	for (int i = 0; i < THREADS; i++)
		while (pthread_tryjoin_np(threads[i], NULL) != 0) {
			for (int w = 0; w < THREADS; w++) {
				__atomic_add_fetch(&words[w], 1, __ATOMIC_SEQ_CST);
				futex(&words[w], FUTEX_WAKE_PRIVATE, 1);
			}
			usleep(1000);
		}
	close(folder);
	rmdir(path);
}

/* ---- context switches ---- */

static int stopped[2];

static void switching(void *ctx)
{
	struct rusage u;

	(void)ctx;
	for (int i = 0; i < 500; i++)
		usleep(200);
	burn(0.3);
	/* From here on it sleeps once, which is one more voluntary switch, and nothing of it is on a CPU after that. */
	getrusage(RUSAGE_SELF, &u);
	if (write(stopped[1], &u, sizeof(u)) == sizeof(u))
		pause();
}

/* A counter of /proc/PID/status: of a process at rest, the kernel's own word at the same moment. */
static uint64_t status_count(pid_t pid, const char *key)
{
	_cleanup_free_ char *text = NULL;
	char path[64], *line;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (read_file(path, 1 << 16, &text, NULL) < 0)
		return 0;
	line = strstr(text, key);
	return line ? strtoull(line + strlen(key), NULL, 10) : 0;
}

static void context_switches(const char *home)
{
	uint64_t voluntary, involuntary;
	struct thread_times t = {};
	struct rusage truth;
	pid_t pid;

	if (pipe(stopped) < 0)
		exit(1);
	pid = run_in(home, switching, NULL);
	if (read(stopped[0], &truth, sizeof(truth)) != sizeof(truth))
		exit(1);
	asleep_wait(pid);
	voluntary = status_count(pid, "\nvoluntary_ctxt_switches:");
	involuntary = status_count(pid, "\nnonvoluntary_ctxt_switches:");
	snapshot_take();
	t = thread_times((uint32_t)pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	check(t.voluntary == voluntary && t.voluntary == (uint64_t)truth.ru_nvcsw + 1,
	      "voluntary switches are getrusage's and the last sleep: saw %lu, true is %ld, and %lu by its status",
	      t.voluntary, truth.ru_nvcsw + 1, voluntary);
	/* After it has asked it may be preempted before it sleeps, how often the machine decides. */
	check(t.involuntary == involuntary && t.involuntary >= (uint64_t)truth.ru_nivcsw,
	      "involuntary switches are those of its status: saw %lu, true is %lu, %ld of them before it asked",
	      t.involuntary, involuntary, truth.ru_nivcsw);
	/* How often it got a CPU: each wait in the histogram is one. */
	check(t.waits == t.voluntary + t.involuntary,
	      "the histogram has one wait for each switch back: saw %lu, true is %lu", t.waits,
	      t.voluntary + t.involuntary);
}

/* Of all CPUs, since the machine booted. */
static double machine_switches(void)
{
	_cleanup_free_ char *text = NULL;
	const char *line;

	if (read_file("/proc/stat", 1 << 20, &text, NULL) < 0)
		return 0;
	line = strstr(text, "\nctxt ");
	return line ? strtod(line + strlen("\nctxt "), NULL) : 0;
}

/*
 * The count is the whole machine's; that none of this test's own was lost is what the exact counts above say. A process
 * whose birth no program saw is unknown until the next sample, five seconds here, and each of its switches counts: some
 * guests' kernels leave what their init does out of tracing (docs/scheduler.md). Beside a load of 17 on two CPUs 72
 * of 71,097 were lost, on a quiet machine none: five times that share is allowed.
 */
static void lost_switches(double before)
{
	double lost = loss_count("switch_unseen"), all = machine_switches() - before;

	check(lost >= 0 && lost <= all / 200, "one switch in 200 of this machine or fewer was lost: saw %.0f of %.0f",
	      lost, all);
}

int main(void)
{
	double before = machine_switches();

	setvbuf(stdout, NULL, _IOLBF, 0);
	pipeline_start();
	if (!sched_is_on())
		return test_finish();
	conservation();
	context_switches(cgroup_make("switches"));
	lost_switches(before);
	return test_finish();
}
