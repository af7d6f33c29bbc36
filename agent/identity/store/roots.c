/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * roots.c - where the host's dockerds and Podman keep their data: the usual places, their configuration files, and the
 * command lines of what runs. Called by stores.c, and by lookup.c for a container that nobody knows. Believes files and
 * processes of root only, and of these only such as see the same files as the agent does.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "identity/shape/family.h"
#include "identity/store/hostile_file.h"
#include "identity/store/stores.h"

#define SECOND		 1000000000ULL
#define CONFIG_FILE_MAX	 (64u << 10)
#define COMMAND_LINE_MAX (128u << 10)
/* A search looks at the name of each process: it is not repeated sooner, nor for more than 0.1 % of a CPU. */
#define SEARCH_EVERY_NS (10 * SECOND)
#define SEARCH_COST	1000
/* For containers that an earlier search was of no use to. */
#define SEARCH_AGAIN_NS (600 * SECOND)

int data_root_add(struct data_roots *roots, const char *path)
{
	size_t len = strlen(path);
	char *copy;

	if (path[0] != '/')
		return -EINVAL;
	while (len > 1 && path[len - 1] == '/')
		len--;
	for (size_t i = 0; i < roots->n; i++)
		if (strlen(roots->paths[i]) == len && memcmp(roots->paths[i], path, len) == 0)
			return 0;
	if (roots->n == DATA_ROOTS_MAX)
		return -ENOSPC;
	copy = strndup(path, len);
	if (!copy)
		return -ENOMEM;
	roots->paths[roots->n++] = copy;
	return 0;
}

void data_roots_free(struct data_roots *roots)
{
	for (size_t i = 0; i < roots->n; i++)
		free(roots->paths[i]);
	roots->n = 0;
}

/* ---- configuration files ---- */

int root_file_read(struct stores *s, const char *path, char **ret, size_t *ret_len)
{
	const char *name = strrchr(path, '/');
	_cleanup_free_ char *folder_path = name ? strndup(path, (size_t)(name - path) + 1) : NULL;
	_cleanup_close_ int folder = -1, fd = -1;
	struct stat st;
	int r;

	if (s->root < 0 || path[0] != '/' || !folder_path)
		return -ENOENT;
	r = trusted_folder_open(s->root, folder_path, &folder);
	if (r == 0)
		r = hostile_open(folder, name + 1, s->host_owner, CONFIG_FILE_MAX, 0, &fd, &st);
	return r < 0 ? r : hostile_read(fd, CONFIG_FILE_MAX, ret, ret_len);
}

static void daemon_json_take(struct stores *s, const char *path)
{
	_cleanup_json_ json_t *daemon = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r = root_file_read(s, path, &text, &len);

	if (r == 0)
		r = hostile_json(text, len, &daemon);
	if (stores_note(s, r) < 0)
		return;
	data_root_add(&s->docker_roots, json_text(daemon, "data-root"));
	data_root_add(&s->docker_roots, json_text(daemon, "graph")); /* its name before 17.05 */
}

static char *trimmed(char *s)
{
	s += strspn(s, " \t\r");
	for (size_t len = strlen(s); len && strchr(" \t\r", s[len - 1]); len--)
		s[len - 1] = '\0';
	return s;
}

/* The text between the quotes of  = "TEXT"  with a comment behind it or none; NULL: it is something else. */
static char *quoted(char *s)
{
	char *end;

	s = trimmed(s);
	if (*s++ != '=')
		return NULL;
	s += strspn(s, " \t");
	end = *s == '"' || *s == '\'' ? strchr(s + 1, *s) : NULL;
	if (!end)
		return NULL;
	*end = '\0';
	return s + 1;
}

char *toml_text(char *text, const char *section, const char *key)
{
	bool inside = !*section;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		line = trimmed(line);
		if (line[0] == '[')
			inside = *section && strncmp(line, section, strlen(section)) == 0;
		else if (inside && strncmp(line, key, strlen(key)) == 0 && strchr(" \t=", line[strlen(key)]))
			return quoted(line + strlen(key));
	}
	return NULL;
}

/* The administrator's file replaces the distribution's. */
static void storage_conf_take(struct stores *s)
{
	static const char *const files[] = {"/etc/containers/storage.conf", "/usr/share/containers/storage.conf"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *text = NULL;
		const char *moved;
		size_t len = 0;

		if (stores_note(s, root_file_read(s, files[i], &text, &len)) < 0)
			continue;
		moved = toml_text(text, "[storage]", "graphroot");
		if (moved)
			data_root_add(&s->podman_roots, moved);
		return;
	}
}

/* ---- remapped users: ROOT/UID.GID ---- */

static bool is_remapped(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot && part_digits((struct path_part){name, (size_t)(dot - name)}) &&
	       part_digits((struct path_part){dot + 1, strlen(dot + 1)});
}

static DIR *folder_list(int root, const char *path)
{
	_cleanup_close_ int folder = -1;
	int fd;
	DIR *list;

	if (root < 0 || trusted_folder_open(root, path, &folder) < 0)
		return NULL;
	fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	list = fd < 0 ? NULL : fdopendir(fd);
	if (!list && fd >= 0)
		close(fd);
	return list;
}

static void remapped_take(struct stores *s)
{
	size_t n = s->docker_roots.n;

	for (size_t i = 0; i < n; i++) {
		const char *root = s->docker_roots.paths[i];
		DIR *list = folder_list(s->root, root);
		const struct dirent *e;

		while (list && (e = readdir(list))) {
			_cleanup_buf_ struct buf path = {};

			if (!is_remapped(e->d_name))
				continue;
			buf_printf(&path, "%s/%s", root, e->d_name);
			if (!path.failed)
				data_root_add(&s->docker_roots, path.data);
		}
		if (list)
			closedir(list);
	}
}

/* ---- what runs ---- */

/* The next of the arguments, each of which ends in a NUL; NULL at the end. */
static const char *argument_next(const char **at, const char *end)
{
	const char *argument = *at;

	if (argument >= end)
		return NULL;
	*at = argument + strlen(argument) + 1;
	return argument;
}

/* The value of --option=VALUE or --option VALUE; NULL: it is another one. */
static const char *option_value(const char *argument, const char *option, const char **at, const char *end)
{
	size_t n = strlen(option);

	if (strncmp(argument, option, n) != 0)
		return NULL;
	if (argument[n] == '=')
		return argument + n + 1;
	return argument[n] ? NULL : argument_next(at, end);
}

static void dockerd_take(struct stores *s, const char *at, const char *end)
{
	static const char *const roots[] = {"--data-root", "-g", "--graph"};
	const char *argument, *value;

	while ((argument = argument_next(&at, end))) {
		value = option_value(argument, "--config-file", &at, end);
		if (value)
			daemon_json_take(s, value);
		for (size_t i = 0; i < ARRAY_SIZE(roots) && !value; i++) {
			value = option_value(argument, roots[i], &at, end);
			if (value)
				data_root_add(&s->docker_roots, value);
		}
	}
}

/* Of a bundle ROOT/DRIVER-containers/ID/userdata the root. */
static void bundle_take(struct stores *s, const char *bundle)
{
	struct path_part path = {bundle, strlen(bundle)}, folder;
	_cleanup_free_ char *root = NULL;
	const char *slash;

	if (!part_between(path, "", "/userdata", &path) || path.len < 66 ||
	    !part_hex((struct path_part){path.s + path.len - 64, 64}, 64) || path.s[path.len - 65] != '/')
		return;
	path.len -= 65;
	slash = memrchr(path.s, '/', path.len);
	folder = (struct path_part){slash + 1, slash ? (size_t)(path.s + path.len - slash - 1) : 0};
	if (!slash || !part_ends(folder, "-containers"))
		return;
	root = strndup(path.s, (size_t)(slash - path.s));
	if (root)
		data_root_add(&s->podman_roots, root);
}

static void conmon_take(struct stores *s, const char *at, const char *end)
{
	const char *argument, *value;

	while ((argument = argument_next(&at, end))) {
		value = option_value(argument, "-b", &at, end) ?: option_value(argument, "--bundle", &at, end);
		if (value)
			bundle_take(s, value);
	}
}

/* A file of the kernel's about a process; -1: it has ended. Always ends in a NUL. */
static ssize_t process_read(int proc, const char *pid, const char *name, char *text, size_t size)
{
	_cleanup_close_ int fd = -1;
	char path[32];
	size_t len = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", pid, name);
	fd = openat(proc, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	while (len + 1 < size && (n = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	return (ssize_t)len;
}

/* The user who started it, which a program that gets root's rights leaves as it is. */
static bool process_is_roots(const struct stores *s, int proc, const char *pid)
{
	char text[4096];
	const char *line;

	if (process_read(proc, pid, "status", text, sizeof(text)) < 0)
		return false;
	line = strstr(text, "\nUid:");
	return line && strtoul(line + strlen("\nUid:"), NULL, 10) == s->host_owner;
}

/* In a container the same path is another folder. Without a question to the file system, which may never answer. */
static bool process_sees_the_same(const struct stores *s, int proc, const char *pid)
{
	struct statx mine, its;
	char path[32];

	snprintf(path, sizeof(path), "%s/root", pid);
	return statx(proc, path, AT_STATX_DONT_SYNC, STATX_INO, &its) == 0 &&
	       statx(s->root, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &mine) == 0 &&
	       its.stx_ino == mine.stx_ino && its.stx_dev_major == mine.stx_dev_major &&
	       its.stx_dev_minor == mine.stx_dev_minor;
}

static void process_take(struct stores *s, int proc, const char *pid)
{
	_cleanup_free_ char *line = NULL;
	bool dockerd, conmon;
	char comm[32];
	ssize_t len;

	if (process_read(proc, pid, "comm", comm, sizeof(comm)) < 0)
		return;
	comm[strcspn(comm, "\n")] = '\0';
	dockerd = strncmp(comm, "dockerd", strlen("dockerd")) == 0; /* also dockerd-current */
	conmon = strcmp(comm, "conmon") == 0;
	/* Asked before the command line is read, since a process can make that take any time. */
	if ((!dockerd && !conmon) || !process_is_roots(s, proc, pid) || !process_sees_the_same(s, proc, pid))
		return;
	line = malloc(COMMAND_LINE_MAX);
	len = line ? process_read(proc, pid, "cmdline", line, COMMAND_LINE_MAX) : -1;
	if (len <= 0)
		return;
	if (dockerd)
		dockerd_take(s, line, line + len);
	else
		conmon_take(s, line, line + len);
}

static void processes_take(struct stores *s)
{
	DIR *list = folder_list(s->root, "/proc");
	const struct dirent *e;

	while (list && (e = readdir(list)))
		if (part_digits((struct path_part){e->d_name, strlen(e->d_name)}) && strlen(e->d_name) <= 10)
			process_take(s, dirfd(list), e->d_name);
	if (list)
		closedir(list);
}

/* ---- when ---- */

int roots_init(struct stores *s)
{
	daemon_json_take(s, "/etc/docker/daemon.json");
	storage_conf_take(s);
	data_root_add(&s->docker_roots, "/var/lib/docker");
	data_root_add(&s->docker_roots, "/var/snap/docker/common/var-lib-docker");
	data_root_add(&s->podman_roots, "/var/lib/containers/storage");
	return s->docker_roots.n >= 2 && s->podman_roots.n ? 0 : -ENOMEM;
}

bool roots_search(struct stores *s, uint64_t now_ns, uint64_t since_ns)
{
	size_t before = s->docker_roots.n + s->podman_roots.n;
	uint64_t began = clock_boot_ns(), cost;

	if (s->searched_ns &&
	    (now_ns < s->search_next_ns || (since_ns < s->searched_ns && now_ns < s->searched_ns + SEARCH_AGAIN_NS)))
		return false;
	s->searched_ns = now_ns;
	daemon_json_take(s, "/etc/docker/daemon.json");
	storage_conf_take(s);
	processes_take(s);
	remapped_take(s);
	cost = (clock_boot_ns() - began) * SEARCH_COST;
	s->search_next_ns = now_ns + (cost > SEARCH_EVERY_NS ? cost : SEARCH_EVERY_NS);
	return s->docker_roots.n + s->podman_roots.n > before;
}
