/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_serve_slow.c - the server against clients that are slow, many, or there when it stops: deadlines, shared
 * samples, the limit of scrapes, idle work, delivery. Deadlines are a few hundred milliseconds here.
 */
#include "lib/serve_server.h"

#define GET(path)      "GET " path " HTTP/1.1\r\nHost: x\r\n"
#define SCRAPERS       50
#define BIG_CONTAINERS 2000 /* some 20 MB of text: more than all socket buffers take */

static void sleep_ms(unsigned int ms)
{
	usleep(ms * 1000);
}

static uint64_t ms_since(uint64_t began_ns)
{
	return (clock_boot_ns() - began_ns) / NS_PER_MS;
}

/* Waits for a number that the server's thread counts up. */
static bool reaches(atomic_int *n, int want)
{
	for (int i = 0; i < 3000 && atomic_load(n) < want; i++)
		sleep_ms(1);
	return atomic_load(n) >= want;
}

/* ---- deadlines ---- */

/* One byte every 20 ms is never inactive, but its 300 ms are over all the same. */
static void test_slow_headers(void **state)
{
	struct server *s = *state;
	uint64_t began_ns, scrape_ns;
	bool closed = false;
	int slow, silent;

	s->options.headers_ms = 300;
	server_start(s);
	silent = client_connect(s);
	slow = client_connect(s);
	began_ns = clock_boot_ns();
	client_say(slow, "GET /metrics HTTP/1.1\r\nHost: x\r\nX: ");
	while (!closed && ms_since(began_ns) < 3000) {
		client_say(slow, "y");
		if (ms_since(began_ns) < 200) {
			scrape_ns = clock_boot_ns();
			assert_int_equal(client_status(s, "/metrics"), 200);
			assert_true(ms_since(scrape_ns) < 1000);
		}
		closed = client_closed_within(slow, 20);
	}
	assert_true(closed);
	assert_true(ms_since(began_ns) >= 290 && ms_since(began_ns) < 1500);
	assert_true(client_closed_within(silent, 1000));
	assert_int_equal(client_status(s, "/metrics"), 200);
	close(slow);
	close(silent);
}

/* The same on a connection that has had an answer: the time runs from the next request's first byte. */
static void test_slow_second_headers(void **state)
{
	struct server *s = *state;
	_cleanup_answer_ struct answer a = {};
	uint64_t began_ns;
	bool closed = false;
	int fd;

	s->options.headers_ms = 300;
	server_start(s);
	fd = client_connect(s);
	client_say(fd, GET("/healthz") "\r\n");
	client_receive(fd, &a, false);
	assert_int_equal(a.status, 200);
	assert_false(client_closed_within(fd, 500)); /* idle is not slow */
	began_ns = clock_boot_ns();
	while (!closed && ms_since(began_ns) < 3000) {
		client_say(fd, "G");
		closed = client_closed_within(fd, 20);
	}
	assert_true(closed);
	assert_true(ms_since(began_ns) >= 290 && ms_since(began_ns) < 1500);
	close(fd);
}

static void test_idle_connection(void **state)
{
	struct server *s = *state;
	_cleanup_answer_ struct answer a = {};
	int fd;

	s->options.between_ms = 200;
	server_start(s);
	fd = client_connect(s);
	client_say(fd, GET("/healthz") "\r\n");
	client_receive(fd, &a, false);
	assert_true(client_closed_within(fd, 1500));
	close(fd);
}

static int big_setup(void **state)
{
	return server_setup_rows(state, BIG_CONTAINERS);
}

/* A reader that takes a little now and then; others are served meanwhile; nothing counts as delivered. */
static void test_slow_reader(void **state)
{
	struct server *s = *state;
	uint64_t connected_ns, began_ns;
	char chunk[512];
	bool closed = false;
	int fd;

	s->options.answer_ms = 2000;
	server_start(s);
	connected_ns = clock_boot_ns();
	fd = client_connect_receiving(s, 4096);
	client_say(fd, GET("/metrics") "\r\n");
	assert_true(recv(fd, chunk, sizeof(chunk), 0) > 0);
	began_ns = clock_boot_ns();
	/* Not only after the slow one was given up, which a busy machine must not turn into a failure. */
	assert_int_equal(client_status(s, "/healthz"), 200);
	assert_true(ms_since(began_ns) < 1500);
	while (!closed && ms_since(began_ns) < 10000) {
		ssize_t n = recv(fd, chunk, sizeof(chunk), 0);

		closed = n <= 0;
		sleep_ms(10);
	}
	assert_true(closed);
	/* Its time began after it had connected, however late this thread got to read. */
	assert_true(ms_since(connected_ns) >= 1500 && ms_since(began_ns) < 8000);
	assert_int_equal(atomic_load(&s->fake.published), 0);
	assert_int_equal(client_status(s, "/healthz"), 200);
	close(fd);
}

/* ---- many at once ---- */

/* Hundreds who say nothing do not keep a scrape out. */
static void test_crowd(void **state)
{
	enum { CROWD = 300 };
	struct server *s = *state;
	uint64_t began_ns;
	int fds[CROWD];

	server_start(s);
	for (int i = 0; i < CROWD; i++)
		fds[i] = client_connect(s);
	began_ns = clock_boot_ns();
	assert_int_equal(client_status(s, "/metrics"), 200);
	assert_true(ms_since(began_ns) < 1000);
	for (int i = 0; i < CROWD; i++)
		close(fds[i]);
	assert_int_equal(client_status(s, "/metrics"), 200);
}

struct scraper {
	const struct server *server;
	pthread_t thread;
	struct answer answer;
};

/* Asserts nothing: not the main thread. */
static void *scraper_thread(void *ctx)
{
	struct scraper *c = ctx;

	client_get(c->server, "/metrics", "", &c->answer);
	return NULL;
}

/* Value of the counter that the made-up source counts up by one for each snapshot. */
static int scraped_sequence(const struct answer *a)
{
	const char *line = strstr(a->body.data, "\nsysscope_cpu_tasks_seconds_total ");

	assert_non_null(line);
	return atoi(strrchr(strtok((char *)(uintptr_t)line + 1, "\n"), ' ') + 1);
}

static void test_concurrent(void **state)
{
	struct server *s = *state;
	struct scraper scrapers[SCRAPERS];
	int samples, served = 0;

	server_start(s);
	for (int i = 0; i < SCRAPERS; i++) {
		scrapers[i] = (struct scraper){.server = s};
		assert_int_equal(pthread_create(&scrapers[i].thread, NULL, scraper_thread, &scrapers[i]), 0);
	}
	for (int i = 0; i < SCRAPERS; i++)
		pthread_join(scrapers[i].thread, NULL);
	samples = atomic_load(&s->fake.samples);
	for (int i = 0; i < SCRAPERS; i++) {
		struct answer *a = &scrapers[i].answer;

		assert_true(a->status == 200 || a->status == 503);
		if (a->status == 200) {
			served++;
			assert_true(a->body.data[a->body.len - 1] == '\n');
			assert_non_null(strstr(a->body.data, "\nprocess_start_time_seconds "));
			assert_in_range(scraped_sequence(a), 1, samples);
		}
		answer_free(a);
	}
	assert_true(served >= 40);
	assert_true(samples < SCRAPERS); /* shared */
}

/* Each scrape on its own sees a larger counter than the one before; within share_ms the same. */
static void test_sharing(void **state)
{
	struct server *s = *state;
	int before = 0, samples;

	s->options.share_ms = 40;
	server_start(s);
	for (int i = 0; i < 3; i++) {
		_cleanup_answer_ struct answer a = {};
		int sequence;

		client_get(s, "/metrics", "", &a);
		sequence = scraped_sequence(&a);
		assert_true(sequence > before);
		before = sequence;
		sleep_ms(60);
	}
	samples = atomic_load(&s->fake.samples);
	assert_int_equal(samples, 4);
	assert_true(reaches(&s->fake.published, 3));
}

static void test_max_requests(void **state)
{
	struct server *s = *state;
	_cleanup_answer_ struct answer a = {};
	char byte;
	int fd;

	s->options.max_requests = 1;
	server_start(s);
	fd = client_connect_receiving(s, 4096);
	client_say(fd, GET("/metrics") "\r\n");
	assert_int_equal(recv(fd, &byte, 1, 0), 1);
	client_get(s, "/metrics", "", &a);
	assert_int_equal(a.status, 503);
	assert_string_equal(a.body.data, "too many scrapes at once\n");
	assert_int_equal(client_status(s, "/healthz"), 200);
	close(fd);
	for (int i = 0; i < 200 && client_status(s, "/metrics") != 200; i++)
		sleep_ms(5);
	assert_int_equal(client_status(s, "/metrics"), 200);
}

/* ---- idle work, delivery ---- */
static void test_idle_work(void **state)
{
	struct server *s = *state;

	s->options.idle_ms = 40;
	server_start(s);
	assert_true(reaches(&s->fake.idles, 3));
	assert_int_equal(atomic_load(&s->fake.samples), 1);
}

static void test_idle_on_readable(void **state)
{
	struct server *s = *state;
	uint64_t one = 1;

	server_start(s);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(write(s->fake.fd, &one, sizeof(one)), sizeof(one));
		assert_true(reaches(&s->fake.idles, i));
	}
	assert_int_equal(atomic_load(&s->fake.idles), 3);
}

static void test_rest(void **state)
{
	struct server *s = *state;

	s->options.idle_ms = 40;
	server_start(s);
	assert_true(reaches(&s->fake.rests, 3)); /* nobody has asked yet */
}

static void test_no_rest_after_scrape(void **state)
{
	struct server *s = *state;
	int rests;

	s->options.idle_ms = 40;
	s->options.share_ms = 10;
	s->options.rest_ms = 60000;
	server_start(s);
	assert_int_equal(client_status(s, "/metrics"), 200);
	rests = atomic_load(&s->fake.rests);
	assert_true(reaches(&s->fake.idles, atomic_load(&s->fake.idles) + 3));
	assert_int_equal(atomic_load(&s->fake.rests), rests);
}

static void test_rest_long_after_scrape(void **state)
{
	struct server *s = *state;

	s->options.idle_ms = 40;
	s->options.rest_ms = 50;
	server_start(s);
	assert_int_equal(client_status(s, "/metrics"), 200);
	assert_true(reaches(&s->fake.rests, atomic_load(&s->fake.rests) + 2));
	assert_int_equal(client_status(s, "/metrics"), 200);
}

/* Until there was a sample, idle turns try again. */
static void test_ready_by_itself(void **state)
{
	struct server *s = *state;

	s->options.idle_ms = 30;
	atomic_store(&s->fake.error, -EAGAIN);
	server_start(s);
	assert_int_equal(client_status(s, "/-/ready"), 503);
	atomic_store(&s->fake.error, 0);
	assert_true(reaches(&s->fake.samples, 1));
	assert_int_equal(client_status(s, "/-/ready"), 200);
}

static void test_published(void **state)
{
	struct server *s = *state;

	server_start(s);
	assert_int_equal(client_status(s, "/healthz"), 200);
	assert_int_equal(atomic_load(&s->fake.published), 0);
	assert_int_equal(client_status(s, "/metrics"), 200);
	assert_true(reaches(&s->fake.published, 1));
}

/* ---- stopping ---- */
static void test_stop(void **state)
{
	struct server *s = *state;
	int idle, slow, between;
	_cleanup_answer_ struct answer a = {};

	server_start(s);
	idle = client_connect(s);
	slow = client_connect(s);
	client_say(slow, "GET / HT");
	between = client_connect(s);
	client_say(between, GET("/metrics") "\r\n");
	client_receive(between, &a, false);
	assert_int_equal(a.status, 200);
	server_tell_stop(s);
	assert_true(server_join(s) < 500);
	close(idle);
	close(slow);
	close(between);
}

/* An answer under way arrives whole; new connections are refused meanwhile. */
static void test_stop_finishes(void **state)
{
	struct server *s = *state;
	_cleanup_answer_ struct answer a = {};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd, late, r = 0;
	char byte;

	s->options.drain_ms = 5000; /* for slow machines and sanitisers */
	server_start(s);
	to.sin_port = htons(s->port);
	fd = client_connect_receiving(s, 65536);
	client_say(fd, GET("/metrics") "\r\n");
	assert_int_equal(recv(fd, &byte, 1, MSG_PEEK), 1);
	server_tell_stop(s);
	for (int i = 0; i < 500 && r == 0; i++) {
		late = client_socket(0);
		r = connect(late, (const struct sockaddr *)&to, sizeof(to));
		close(late);
		sleep_ms(2);
	}
	assert_int_equal(r, -1);
	client_receive(fd, &a, false);
	assert_int_equal(a.status, 200);
	assert_true(a.body.len > 5000000 && a.body.data[a.body.len - 1] == '\n');
	server_join(s);
	assert_int_equal(atomic_load(&s->fake.published), 1);
	close(fd);
}

/* Nobody waits longer than drain_ms for one that does not read. */
static void test_stop_late_reader(void **state)
{
	struct server *s = *state;
	char byte;
	int fd;

	server_start(s);
	fd = client_connect_receiving(s, 4096);
	client_say(fd, GET("/metrics") "\r\n");
	assert_int_equal(recv(fd, &byte, 1, 0), 1);
	server_tell_stop(s);
	assert_true(server_join(s) < 1000);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		server_test(test_slow_headers),
		server_test(test_slow_second_headers),
		server_test(test_idle_connection),
		cmocka_unit_test_setup_teardown(test_slow_reader, big_setup, server_teardown),
		server_test(test_crowd),
		server_test(test_concurrent),
		server_test(test_sharing),
		cmocka_unit_test_setup_teardown(test_max_requests, big_setup, server_teardown),
		server_test(test_idle_work),
		server_test(test_idle_on_readable),
		server_test(test_rest),
		server_test(test_no_rest_after_scrape),
		server_test(test_rest_long_after_scrape),
		server_test(test_ready_by_itself),
		server_test(test_published),
		server_test(test_stop),
		cmocka_unit_test_setup_teardown(test_stop_finishes, big_setup, server_teardown),
		cmocka_unit_test_setup_teardown(test_stop_late_reader, big_setup, server_teardown),
	};

	return cmocka_run_group_tests_name("serve_slow", tests, NULL, NULL);
}
