/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_sched_conservation.c - of every thread's time each moment is accounted for once: on a CPU, waiting for one, or
 * asleep. 50 threads of mixed behaviour for 10 s. And the context switches of a process are those of getrusage.
 */
#include <sys/epoll.h>
#include <sys/resource.h>

#include "lib/sched_test.h"

#define THREADS 50
#define SECONDS 10

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

static void check_conservation(const struct thread_times *before, uint64_t before_ns)
{
	double wall = seconds(pipeline_sample(test_pipeline)->boot_ns - before_ns), worst = 0, least = 1e9, most = 0;
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
		if (fabs(sum / wall - 1) <= 0.01)
			continue;
		bad++;
		printf("# thread %d of kind %d: %.4f on a CPU + %.4f waiting + %.4f asleep = %.4f, true is %.4f\n", i,
		       i % 5, t.exec - before[i].exec, t.wait - before[i].wait, t.blocked - before[i].blocked, sum,
		       wall);
	}
	check(seen == THREADS, "every thread is in both samples: saw %d, true is %d", seen, THREADS);
	check(most - least <= 0.02 * wall, "all threads have the same time: saw %.4f to %.4f s", least, most);
	if (bad && fabs(worst) < 0.05 && clock_is_coarse())
		printf("ok %d - their time is wall time, worst %+.3f %% " COARSE_CLOCK "\n", ++test_number,
		       worst * 100);
	else
		check(!bad,
		      "on a CPU + waiting + asleep = wall within 1 %% for every thread: saw %d of %d off, worst %+.3f "
		      "%%",
		      bad, THREADS, worst * 100);
}

static void conservation(void)
{
	struct thread_times before[THREADS];
	char path[] = "/var/tmp/sysscope-test-XXXXXX";
	pthread_t threads[THREADS];
	uint64_t before_ns;

	if (mkdtemp(path))
		folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, thread_run, (void *)(intptr_t)i);
	sleep(1);
	snapshot_take();
	before_ns = pipeline_sample(test_pipeline)->boot_ns;
	for (int i = 0; i < THREADS; i++)
		before[i] = thread_times(tids[i]);
	sleep(SECONDS);
	snapshot_take();
	check_conservation(before, before_ns);
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

static void context_switches(const char *home)
{
	struct thread_times t = {};
	struct rusage truth;
	pid_t pid;

	if (pipe(stopped) < 0)
		exit(1);
	pid = run_in(home, switching, NULL);
	if (read(stopped[0], &truth, sizeof(truth)) != sizeof(truth))
		exit(1);
	usleep(100000);
	snapshot_take();
	t = thread_times((uint32_t)pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* The write wakes this process, which may preempt the child before it sleeps. */
	check(t.voluntary == (uint64_t)truth.ru_nvcsw + 1,
	      "voluntary switches are getrusage's and the last sleep: saw %lu, true is %ld", t.voluntary,
	      truth.ru_nvcsw + 1);
	check(t.involuntary >= (uint64_t)truth.ru_nivcsw && t.involuntary <= (uint64_t)truth.ru_nivcsw + 1,
	      "involuntary switches are getrusage's: saw %lu, true is %ld, or one more by the last write",
	      t.involuntary, truth.ru_nivcsw);
	/* How often it got a CPU: each wait in the histogram is one. */
	check(t.waits == t.voluntary + t.involuntary,
	      "the histogram has one wait for each switch back: saw %lu, true is %lu", t.waits,
	      t.voluntary + t.involuntary);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	pipeline_start();
	if (!sched_is_on())
		return test_finish();
	conservation();
	context_switches(cgroup_make("switches"));
	check(loss_count("switch_unseen") == 0, "no switch was lost");
	return test_finish();
}
