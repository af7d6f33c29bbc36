/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_runtime_files.c - what the runtimes' files may hold: a container keeps a name, and its texts keep their
 * bounds. The first byte chooses the file.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "base/util.h"
#include "identity/identity.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

#define LOGGED "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789"
#define OTHER  "web.1"
#define NAMED  "{\"annotations\":{\"nerdctl/name\":\"web\"}}"

static char root[64];

static void folders_make(const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(full, 0700);
		*p = '/';
	}
}

static void file_write(const char *path, const uint8_t *data, size_t size)
{
	char full[512];
	int fd;

	snprintf(full, sizeof(full), "%s%s", root, path);
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
}

static void root_remove(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	if (system(command) != 0)
		perror(command);
}

/* The kubelet's folder is read for what it lists: one entry, of any name that a file can have. */
static void kubelet_look(const uint8_t *data, size_t size)
{
	char name[256], full[512];
	const struct identity *who;
	struct identities *ids;
	int fd;

	if (!size || size >= sizeof(name) || memchr(data, '/', size) || memchr(data, 0, size))
		return;
	memcpy(name, data, size);
	name[size] = '\0';
	snprintf(full, sizeof(full), "%s/var/log/containers/%s", root, name);
	fd = open(full, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	close(fd);
	ids = identities_new(root);
	must(ids);
	who = identities_get(ids, 1, "/crio-" LOGGED, 1);
	must(who && who->kind == HOME_CONTAINER && who->name[0]);
	identities_free(ids);
	unlink(full);
}

/* Root's, as far as the stores are told. */
static void process_make(const char *pid, const char *comm)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	file_write(path, (const uint8_t *)comm, strlen(comm));
	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	snprintf(text, sizeof(text), "Name:\tx\nUid:\t%u\n", (unsigned int)getuid());
	file_write(path, (const uint8_t *)text, strlen(text));
	snprintf(path, sizeof(path), "%s/proc/%s/root", root, pid);
	must(symlink("../..", path) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const files[] = {"/var/lib/docker/containers/" ID "/config.v2.json",
					    "/var/lib/containers/storage/overlay-containers/containers.json",
					    "/etc/containers/storage.conf",
					    "/proc/20/cmdline",
					    "/proc/30/cmdline",
					    "/run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID "/config.json",
					    "/run/containerd/io.containerd.runtime.v2.task/default/" OTHER
					    "/config.json",
					    "/var/lib/nerdctl/1935db59/names/default/web",
					    "/run/containers/storage/overlay-containers/" ID "/userdata/config.json",
					    "/etc/containerd/config.toml",
					    "/var/lib/containers/storage/db.sql"};
	static const char *const paths[] = {"/docker/" ID,
					    "/libpod_parent/libpod-" ID,
					    "/libpod_parent/libpod-" ID,
					    "/docker/" ID,
					    "/libpod_parent/libpod-" ID,
					    "/kubepods/pod0123456789abcdef0123456789abcdef/" ID,
					    "/default/" OTHER,
					    "/default/" OTHER,
					    "/crio-" ID,
					    "/default/" OTHER,
					    "/machine.slice/machine-libpod_pod_" ID ".slice"};
	const struct identity *who;
	struct identities *ids;
	size_t which;

	if (!root[0]) {
		strcpy(root,
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm/sysscope-fuzz-XXXXXX" : "/tmp/sysscope-fuzz-XXXXXX");
		must(mkdtemp(root));
		atexit(root_remove);
		for (size_t i = 0; i < ARRAY_SIZE(files); i++)
			folders_make(files[i]);
		folders_make("/var/log/containers/x");
		process_make("20", "dockerd");
		process_make("30", "conmon");
		/* What the names of nerdctl, and containerd's configuration, are looked up for. */
		file_write(files[6], (const uint8_t *)NAMED, strlen(NAMED));
	}
	if (!size)
		return 0;
	which = data[0] % (ARRAY_SIZE(files) + 1);
	if (which == ARRAY_SIZE(files)) {
		kubelet_look(data + 1, size - 1);
		return 0;
	}
	file_write(files[which], data + 1, size - 1);
	ids = identities_new(root);
	must(ids);
	who = identities_get(ids, 1, paths[which], 1);
	/* A pause container is its pod. */
	must(who && (who->kind == HOME_CONTAINER || who->kind == HOME_POD) && who->name[0]);
	must(strlen(who->name) <= IDENTITY_TEXT_MAX && strlen(who->image) <= IDENTITY_TEXT_MAX);
	identities_free(ids);
	return 0;
}
