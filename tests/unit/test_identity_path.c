/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_identity_path.c - from a cgroup's path to its home, by table: the shapes of all runtimes, what only looks like
 * one, and hostile paths. No file is read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "identity/shape/path.h"
#include "base/util.h"

#define A   "4f2b0c9d8e7a6f5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b"
#define B   "b43d92bf1e5c6f78bb9b7bc6f40721280299855ba692092716e3a1b6c0b86f3f"
#define C   "c83d0428058af041eb08dbab9e6eddffe7b63425c4a8b4291744a79dd9011fdd"
#define A12 "4f2b0c9d8e7a"
#define B12 "b43d92bf1e5c"
#define C12 "c83d0428058a"
#define UID "8712f785-1a3e-41ec-a00b-e2dcc77431cb"
#define U_D "8712f785_1a3e_41ec_a00b_e2dcc77431cb"
#define HEX "9729a196c4723b60ab401eaff722982d"

#define STEP "xw3k0u6ld9rzq4fvt5y1m8cba"

#define POD_SLICE "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" U_D ".slice"
#define USER	  "/user.slice/user-1000.slice/user@1000.service"
#define KIND_NODE "/system.slice/docker-" A ".scope"
#define KIND_POD                                                                            \
	KIND_NODE "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/" \
		  "kubelet-kubepods-burstable-pod" U_D ".slice"

#define NONE   0
#define DOCKER STORE_DOCKER
#define PODMAN STORE_PODMAN
#define TASK   STORE_CONTAINERD
#define CRI    (STORE_CONTAINERD | STORE_KUBELET)
#define CRIO   (STORE_CRIO | STORE_KUBELET)
#define POD    STORE_KUBELET
#define BARE   (STORE_DOCKER | STORE_CONTAINERD)
#define PODS   STORES_OF_PODS

/* A row says what matters to it; the rest is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct path_case {
	const char *path;
	enum home_kind kind;
	const char *home;		 /* NULL: the whole path */
	const char *parent;		 /* NULL: none */
	const char *runtime, *id, *name; /* name "": the home's path */
	unsigned int stores;
	int64_t owner; /* uid + 1; 0: none */
	const char *pod, *pod_uid;
};

static const struct path_case cases[] = {
	/* ---- host, slices ---- */
	{"/", HOME_HOST, NULL, NULL, "", "", "host"},
	{"/system.slice", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/user.slice", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/machine.slice", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/system.slice/system-getty.slice", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/docker", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/kubepods", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/kubepods.slice/kubepods-burstable.slice", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/(gone)", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/mine/deeper", HOME_CGROUP, NULL, NULL, "", "", ""},

	/* ---- Docker ---- */
	{"/system.slice/docker-" A ".scope", HOME_CONTAINER, NULL, NULL, "docker", A, A12, DOCKER},
	{"/system.slice/docker-" A ".scope/init.scope", HOME_CONTAINER, "/system.slice/docker-" A ".scope", NULL,
	 "docker", A, A12, DOCKER},
	{"/batch.slice/batch-night.slice/docker-" A ".scope", HOME_CONTAINER, NULL, NULL, "docker", A, A12, DOCKER},
	{"/user.slice/docker-" A ".scope", HOME_CONTAINER, NULL, NULL, "docker", A, A12, DOCKER},
	{"/docker/" A, HOME_CONTAINER, NULL, NULL, "docker", A, A12, DOCKER},
	{"/docker/" A "/sub/deeper", HOME_CONTAINER, "/docker/" A, NULL, "docker", A, A12, DOCKER},
	{"/process_api/" HEX "/docker/" A, HOME_CONTAINER, NULL, NULL, "docker", A, A12, DOCKER},
	{"/system.slice/docker.service/system.slice:docker:" A, HOME_CONTAINER, NULL, NULL, "docker", A, A12, DOCKER},
	{"/docker/" A "/docker/" B, HOME_CONTAINER, NULL, "/docker/" A, "docker", B, B12, NONE},
	{"/docker/" A "/docker/" B "/x/docker/" C "/y", HOME_CONTAINER, "/docker/" A "/docker/" B "/x/docker/" C,
	 "/docker/" A "/docker/" B, "docker", C, C12, NONE},
	{"/docker/" A "/syscont-cgroup-root/docker/" B, HOME_CONTAINER, NULL, "/docker/" A, "docker", B, B12, NONE},
	{USER "/app.slice/docker-" A ".scope", HOME_CONTAINER, NULL, NULL, "docker", A, A12, DOCKER, 1001},
	{USER "/docker-" A ".scope/x", HOME_CONTAINER, USER "/docker-" A ".scope", NULL, "docker", A, A12, DOCKER,
	 1001},
	{"/user.slice/user-1000.slice/session-3.scope/docker/" A, HOME_CONTAINER, NULL, NULL, "docker", A, A12, DOCKER,
	 1001},
	{"/user.slice/user-1000.slice/docker-" A ".scope", HOME_CONTAINER, NULL, NULL, "docker", A, A12, DOCKER, 1001},
	{"/actions_job/" A, HOME_CONTAINER, NULL, NULL, "", A, A12, BARE},
	{"/" A, HOME_CONTAINER, NULL, NULL, "", A, A12, BARE},

	/* ---- BuildKit: one home for all steps ---- */
	{"/docker/buildkit", HOME_CONTAINER, NULL, NULL, "buildkit", "", "buildkit"},
	{"/docker/buildkit/" STEP, HOME_CONTAINER, "/docker/buildkit", NULL, "buildkit", "", "buildkit"},
	{"/docker/buildkit/" STEP "/init", HOME_CONTAINER, "/docker/buildkit", NULL, "buildkit", "", "buildkit"},
	{"/buildkit/" STEP, HOME_CONTAINER, "/buildkit", NULL, "buildkit", "", "buildkit"},
	{"/shop/buildkit/" STEP, HOME_CONTAINER, "/shop/buildkit", NULL, "buildkit", "", "buildkit"},
	{"/docker/" A "/buildkit/" STEP, HOME_CONTAINER, "/docker/" A, NULL, "docker", A, A12, DOCKER},
	{"/docker/" STEP, HOME_CGROUP, NULL, NULL, "", "", ""},

	/* ---- below a unit, made by root: --cgroup-parent, Nomad ---- */
	{"/system.slice/shop.service/" A, HOME_CONTAINER, NULL, NULL, "", A, A12, BARE},
	{"/system.slice/shop.service/" A "/sub/" B, HOME_CONTAINER, "/system.slice/shop.service/" A, NULL, "", A, A12,
	 BARE},
	{"/system.slice/shop.service/a/b/" A, HOME_CONTAINER, NULL, NULL, "", A, A12, BARE},
	{"/system.slice/shop.service/" A12, HOME_SERVICE, "/system.slice/shop.service", NULL, "systemd", "shop.service",
	 "shop.service"},
	{"/system.slice/containerd.service/cpuset/" A, HOME_CONTAINER, NULL, NULL, "containerd", A, A12, BARE},
	{"/system.slice/shop.service/docker/" A, HOME_CONTAINER, NULL, NULL, "docker", A, A12, DOCKER},
	{"/system.slice/shop.service/libpod-" A, HOME_CONTAINER, NULL, NULL, "podman", A, A12, PODMAN},
	{"/system.slice/shop.service/crio-" A, HOME_CONTAINER, NULL, NULL, "cri-o", A, A12, CRIO},
	{"/system.slice/lxc@web.service/lxc.payload.web", HOME_CONTAINER, NULL, NULL, "lxc", "web", "web"},
	{"/init.scope/" A, HOME_CONTAINER, NULL, NULL, "", A, A12, BARE},
	{"/user.slice/user-1000.slice/session-3.scope/" A, HOME_CONTAINER, NULL, NULL, "", A, A12, BARE, 1001},

	/* ---- Kubernetes: pods, then each runtime ---- */
	{POD_SLICE, HOME_POD, NULL, NULL, "", "", "pod" UID, POD, 0, "", UID},
	{"/kubepods/besteffort/pod" UID, HOME_POD, NULL, NULL, "", "", "pod" UID, POD, 0, "", UID},
	{"/kubepods/pod" HEX, HOME_POD, NULL, NULL, "", "", "pod" HEX, POD, 0, "", HEX},
	{"/kubepods.slice/kubepods-pod" HEX ".slice/odd", HOME_POD, "/kubepods.slice/kubepods-pod" HEX ".slice", NULL,
	 "", "", "pod" HEX, POD, 0, "", HEX},
	{POD_SLICE "/docker-" A ".scope", HOME_CONTAINER, NULL, NULL, "docker", A, A12, DOCKER, 0, "", UID},
	{"/kubepods/burstable/pod" HEX "/" A, HOME_CONTAINER, NULL, NULL, "", A, A12, PODS, 0, "", HEX},
	{"/kubepods/besteffort/pod" UID "/" A "/kube-proxy", HOME_CONTAINER, "/kubepods/besteffort/pod" UID "/" A, NULL,
	 "", A, A12, PODS, 0, "", UID},
	{"/kubepods/pod" UID "/" A, HOME_CONTAINER, NULL, NULL, "", A, A12, PODS, 0, "", UID},
	{POD_SLICE "/cri-containerd-" A ".scope", HOME_CONTAINER, NULL, NULL, "containerd", A, A12, CRI, 0, "", UID},
	{POD_SLICE "/cri-containerd-" A ".scope/sub", HOME_CONTAINER, POD_SLICE "/cri-containerd-" A ".scope", NULL,
	 "containerd", A, A12, CRI, 0, "", UID},
	{"/kubepods.slice/kubepods-pod" U_D ".slice/cri-containerd-" A ".scope", HOME_CONTAINER, NULL, NULL,
	 "containerd", A, A12, CRI, 0, "", UID},
	{"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" HEX ".slice/cri-containerd-" A,
	 HOME_CONTAINER, NULL, NULL, "containerd", A, A12, CRI, 0, "", HEX},
	{"/system.slice/containerd.service/kubepods-burstable-pod" U_D ".slice:cri-containerd:" A, HOME_CONTAINER, NULL,
	 NULL, "containerd", A, A12, CRI, 0, "", UID},
	{"/system.slice/k3s.service/kubepods/besteffort/pod" UID "/" A, HOME_CONTAINER, NULL, NULL, "", A, A12, PODS, 0,
	 "", UID},
	{KIND_POD "/cri-containerd-" B ".scope", HOME_CONTAINER, NULL, KIND_NODE, "containerd", B, B12, NONE, 0, "",
	 UID},
	{KIND_POD, HOME_CONTAINER, KIND_NODE, NULL, "docker", A, A12, DOCKER},
	{KIND_NODE "/system.slice/containerd.service", HOME_CONTAINER, KIND_NODE, NULL, "docker", A, A12, DOCKER},
	{"/docker/" A "/kubepods/besteffort/pod" UID "/" B "/x", HOME_CONTAINER,
	 "/docker/" A "/kubepods/besteffort/pod" UID "/" B, "/docker/" A, "", B, B12, NONE, 0, "", UID},
	{"/docker/" A "/kubepods/pod" UID, HOME_CONTAINER, "/docker/" A, NULL, "docker", A, A12, DOCKER},
	{"/kubepods/pod" UID "/" A "/docker/" B, HOME_CONTAINER, NULL, "/kubepods/pod" UID "/" A, "docker", B, B12,
	 NONE, 0, "", UID},
	{"/system.slice/nerdctl-" A ".scope", HOME_CONTAINER, NULL, NULL, "containerd", A, A12, TASK},
	{"/default/" A, HOME_CONTAINER, NULL, NULL, "", A, A12, BARE},
	{POD_SLICE "/crio-" A ".scope", HOME_CONTAINER, NULL, NULL, "cri-o", A, A12, CRIO, 0, "", UID},
	{POD_SLICE "/crio-" A ".scope/container", HOME_CONTAINER, POD_SLICE "/crio-" A ".scope", NULL, "cri-o", A, A12,
	 CRIO, 0, "", UID},
	{POD_SLICE "/crio-" A, HOME_POD, POD_SLICE, NULL, "", "", "pod" UID, POD, 0, "", UID},
	{POD_SLICE "/crio-conmon-" A ".scope", HOME_RUNTIME, NULL, NULL, "cri-o", A, "conmon/" A12, NONE, 0, "", UID},
	{"/kubepods/pod" UID "/crio-" A, HOME_CONTAINER, NULL, NULL, "cri-o", A, A12, CRIO, 0, "", UID},
	{"/kubepods/pod" UID "/crio-conmon-" A, HOME_RUNTIME, NULL, NULL, "cri-o", A, "conmon/" A12, NONE, 0, "", UID},

	/* ---- Podman ---- */
	{"/machine.slice/libpod-" A ".scope", HOME_CONTAINER, NULL, NULL, "podman", A, A12, PODMAN},
	{"/machine.slice/libpod-" A ".scope/container", HOME_CONTAINER, "/machine.slice/libpod-" A ".scope", NULL,
	 "podman", A, A12, PODMAN},
	{"/machine.slice/libpod-conmon-" A ".scope", HOME_RUNTIME, NULL, NULL, "podman", A, "conmon/" A12},
	{"/machine.slice/machine-libpod_pod_" B ".slice", HOME_POD, NULL, NULL, "podman", B, B12, PODMAN, 0, B12},
	{"/machine.slice/machine-libpod_pod_" B ".slice/libpod-" A ".scope/container", HOME_CONTAINER,
	 "/machine.slice/machine-libpod_pod_" B ".slice/libpod-" A ".scope", NULL, "podman", A, A12, PODMAN, 0, B12},
	{"/libpod_parent/libpod-" A, HOME_CONTAINER, NULL, NULL, "podman", A, A12, PODMAN},
	{"/libpod_parent/" B "/libpod-" A, HOME_CONTAINER, NULL, NULL, "podman", A, A12, PODMAN, 0, B12},
	{"/libpod_parent/conmon", HOME_RUNTIME, NULL, NULL, "podman", "", "conmon"},
	{"/system.slice/web.service/libpod-payload-" A, HOME_CONTAINER, NULL, NULL, "podman", A, A12, PODMAN},
	{"/system.slice/web.service/libpod-payload-" A "/x", HOME_CONTAINER,
	 "/system.slice/web.service/libpod-payload-" A, NULL, "podman", A, A12, PODMAN},
	{"/system.slice/web.service/runtime", HOME_SERVICE, "/system.slice/web.service", NULL, "systemd", "web.service",
	 "web.service"},
	{USER "/user.slice/libpod-" A ".scope/container", HOME_CONTAINER, USER "/user.slice/libpod-" A ".scope", NULL,
	 "podman", A, A12, PODMAN, 1001},
	{USER "/user.slice/user-libpod_pod_" B ".slice/libpod-" A ".scope", HOME_CONTAINER, NULL, NULL, "podman", A,
	 A12, PODMAN, 1001, B12},
	{USER "/user.slice/libpod-conmon-" A ".scope", HOME_RUNTIME, NULL, NULL, "podman", A, "conmon/" A12, NONE,
	 1001},
	{USER "/app.slice/web.service/libpod-payload-" A, HOME_CONTAINER, NULL, NULL, "podman", A, A12, PODMAN, 1001},

	/* ---- LXC, Proxmox, nspawn, machines ---- */
	{"/lxc.payload.web01", HOME_CONTAINER, NULL, NULL, "lxc", "web01", "web01"},
	{"/lxc.payload.web01/system.slice/nginx.service", HOME_CONTAINER, "/lxc.payload.web01", NULL, "lxc", "web01",
	 "web01"},
	{"/lxc.payload/web01/init.scope", HOME_CONTAINER, "/lxc.payload/web01", NULL, "lxc", "web01", "web01"},
	{"/lxc/mysql-primary-db", HOME_CONTAINER, NULL, NULL, "lxc", "mysql-primary-db", "mysql-primary-db"},
	{"/lxc/101/ns/user.slice/user-1000.slice/session-1.scope", HOME_CONTAINER, "/lxc/101", NULL, "lxc", "101",
	 "101"},
	{"/lxc.payload.project_web", HOME_CONTAINER, NULL, NULL, "lxc", "project_web", "project_web"},
	{"/lxc.monitor.web01", HOME_RUNTIME, NULL, NULL, "lxc", "web01", "lxc.monitor/web01"},
	{"/lxc.monitor/101", HOME_RUNTIME, NULL, NULL, "lxc", "101", "lxc.monitor/101"},
	/* lxc.cgroup.dir = lxc */
	{"/lxc/lxc.payload.web01", HOME_CONTAINER, NULL, NULL, "lxc", "web01", "web01"},
	{"/lxc/lxc.pivot", HOME_RUNTIME, NULL, NULL, "lxc", "", "lxc.pivot"},
	{"/lxc/lxc.monitor.web01", HOME_RUNTIME, NULL, NULL, "lxc", "web01", "lxc.monitor/web01"},
	{"/lxc.payload.out/lxc.monitor.in", HOME_CONTAINER, "/lxc.payload.out", NULL, "lxc", "out", "out"},
	{"/lxc.payload.out/lxc/lxc.monitor.in", HOME_CONTAINER, "/lxc.payload.out", NULL, "lxc", "out", "out"},
	{"/lxc.pivot", HOME_RUNTIME, NULL, NULL, "lxc", "", "lxc.pivot"},
	{"/lxc.payload.out/lxc.payload.in/x", HOME_CONTAINER, "/lxc.payload.out/lxc.payload.in", "/lxc.payload.out",
	 "lxc", "in", "out/in"},
	{"/lxc.payload.out/system.slice/docker-" A ".scope", HOME_CONTAINER, NULL, "/lxc.payload.out", "docker", A, A12,
	 NONE},
	{"/lxc", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/lxc.payload.", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/machine.slice/systemd-nspawn@my\\x2dbox.service/payload/init.scope", HOME_CONTAINER,
	 "/machine.slice/systemd-nspawn@my\\x2dbox.service", NULL, "nspawn", "my-box", "my-box"},
	{"/machine.slice/systemd-nspawn@box.service/supervisor", HOME_RUNTIME, NULL, NULL, "nspawn", "box",
	 "nspawn/box"},
	{"/machine.slice/machine-box.scope", HOME_CONTAINER, NULL, NULL, "nspawn", "box", "box"},
	{"/machine.slice/machine-box.scope/payload/machine.slice/machine-in.scope", HOME_CONTAINER, NULL,
	 "/machine.slice/machine-box.scope", "nspawn", "in", "box/in"},
	{"/machine.slice/machine-qemu\\x2d1\\x2dweb01.scope/libvirt/vcpu0", HOME_VM,
	 "/machine.slice/machine-qemu\\x2d1\\x2dweb01.scope", NULL, "libvirt", "qemu-1-web01", "web01"},
	{"/machine.slice/machine-qemu\\x2d12\\x2dweb\\x2d02.scope", HOME_VM, NULL, NULL, "libvirt", "qemu-12-web-02",
	 "web-02"},
	{"/machine.slice/machine-qemu\\x2d7\\x2d2024\\x2ddb.scope/emulator", HOME_VM,
	 "/machine.slice/machine-qemu\\x2d7\\x2d2024\\x2ddb.scope", NULL, "libvirt", "qemu-7-2024-db", "2024-db"},
	{"/machine.slice/machine-lxc\\x2d123\\x2dold.scope", HOME_CONTAINER, NULL, NULL, "libvirt", "lxc-123-old",
	 "old"},
	{"/machine/web01.libvirt-qemu/vcpu3", HOME_VM, "/machine/web01.libvirt-qemu", NULL, "libvirt", "web01",
	 "web01"},
	{"/machine/qemu-3-web01.libvirt-qemu", HOME_VM, NULL, NULL, "libvirt", "qemu-3-web01", "web01"},
	{"/machine.slice/machine-qemu\\x2dembed\\x2d0a1b2c3d\\x2d1\\x2dweb01.scope/libvirt/emulator", HOME_VM,
	 "/machine.slice/machine-qemu\\x2dembed\\x2d0a1b2c3d\\x2d1\\x2dweb01.scope", NULL, "libvirt",
	 "qemu-embed-0a1b2c3d-1-web01", "web01"},
	{"/machine/qemu-embed-0a1b2c3d-1-web01.libvirt-qemu/iothread1", HOME_VM,
	 "/machine/qemu-embed-0a1b2c3d-1-web01.libvirt-qemu", NULL, "libvirt", "qemu-embed-0a1b2c3d-1-web01", "web01"},
	{"/machine/qemu-2-embed-0a1b2c3.libvirt-qemu", HOME_VM, NULL, NULL, "libvirt", "qemu-2-embed-0a1b2c3",
	 "embed-0a1b2c3"},
	{"/machine.slice/machine-ch\\x2d3\\x2dcloud.scope/vcpu0", HOME_VM,
	 "/machine.slice/machine-ch\\x2d3\\x2dcloud.scope", NULL, "libvirt", "ch-3-cloud", "cloud"},
	{"/machine/blue.partition/qemu-4-a.libvirt-qemu/vcpu0", HOME_VM,
	 "/machine/blue.partition/qemu-4-a.libvirt-qemu", NULL, "libvirt", "qemu-4-a", "a"},
	{"/machine.slice/systemd-vmspawn@my\\x2dvm.service", HOME_VM, NULL, NULL, "vmspawn", "my-vm", "my-vm"},
	{"/firecracker/551e7604-e35c-42b3-b825-416853441234", HOME_VM, NULL, NULL, "firecracker",
	 "551e7604-e35c-42b3-b825-416853441234", "551e7604-e35c-42b3-b825-416853441234"},
	{"/firecracker/vm7/sub", HOME_VM, "/firecracker/vm7", NULL, "firecracker", "vm7", "vm7"},
	{"/firecracker", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/qemu.slice/104.scope", HOME_VM, NULL, NULL, "qemu", "104", "104"},

	/* ---- systemd ---- */
	{"/init.scope", HOME_SERVICE, NULL, NULL, "systemd", "init.scope", "init.scope"},
	{"/system.slice/nginx.service", HOME_SERVICE, NULL, NULL, "systemd", "nginx.service", "nginx.service"},
	{"/system.slice/system-getty.slice/getty@tty1.service", HOME_SERVICE, NULL, NULL, "systemd",
	 "getty@tty1.service", "getty@tty1.service"},
	{"/system.slice/systemd-udevd.service/udev", HOME_SERVICE, "/system.slice/systemd-udevd.service", NULL,
	 "systemd", "systemd-udevd.service", "systemd-udevd.service"},
	{"/system.slice/a.service/b.service/c.scope", HOME_SERVICE, "/system.slice/a.service", NULL, "systemd",
	 "a.service", "a.service"},
	{"/system.slice/dev-disk\\x2dby\\x2did.service", HOME_SERVICE, NULL, NULL, "systemd",
	 "dev-disk\\x2dby\\x2did.service", "dev-disk-by-id.service"},
	{"/runtime.slice/kubelet.service", HOME_SERVICE, NULL, NULL, "systemd", "kubelet.service", "kubelet.service"},
	{"/azure.slice/walinuxagent.service", HOME_SERVICE, NULL, NULL, "systemd", "walinuxagent.service",
	 "walinuxagent.service"},
	{"/system.slice/run-r0123.scope", HOME_SERVICE, NULL, NULL, "systemd", "run-r0123.scope", "run-r0123.scope"},
	{"/system.slice/boot.mount", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/system.slice/.service", HOME_CGROUP, NULL, NULL, "", "", ""},
	/* Of Talos only on its own hosts; on others these are anybody's, such as containers of `ctr -n system`. */
	{"/podruntime/kubelet", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/system/x", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/init", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/system/" A, HOME_CONTAINER, NULL, NULL, "", A, A12, BARE},
	{"/user.slice/user-1000.slice", HOME_CGROUP, NULL, NULL, "", "", "", NONE, 1001},
	{"/user.slice/user-1000.slice/session-3.scope", HOME_SESSION, NULL, NULL, "systemd", "session-3.scope",
	 "session-3.scope", NONE, 1001},
	{USER, HOME_SESSION, NULL, NULL, "systemd", "user@1000.service", "user@1000.service", NONE, 1001},
	{USER "/init.scope", HOME_SESSION, USER, NULL, "systemd", "user@1000.service", "user@1000.service", NONE, 1001},
	{USER "/app.slice", HOME_SESSION, USER, NULL, "systemd", "user@1000.service", "user@1000.service", NONE, 1001},
	{USER "/app.slice/app-gnome\\x2dterm-77.scope/tab", HOME_SESSION, USER "/app.slice/app-gnome\\x2dterm-77.scope",
	 NULL, "systemd", "app-gnome\\x2dterm-77.scope", "app-gnome-term-77.scope", NONE, 1001},
	{USER "/session.slice/pipewire.service", HOME_SESSION, NULL, NULL, "systemd", "pipewire.service",
	 "pipewire.service", NONE, 1001},
	{"/user.slice/user-0.slice/session-1.scope", HOME_SESSION, NULL, NULL, "systemd", "session-1.scope",
	 "session-1.scope", NONE, 1},

	/* ---- schedulers ---- */
	{"/ecs/" HEX "/" A, HOME_CONTAINER, NULL, NULL, "docker", A, A12, DOCKER},
	{"/ecs/" HEX "/" HEX "-3051508418", HOME_CONTAINER, NULL, NULL, "ecs", HEX "-3051508418", HEX "-3051508418"},
	{"/ecstasks.slice/ecstasks-" HEX ".slice/docker-" A ".scope", HOME_CONTAINER, NULL, NULL, "docker", A, A12,
	 DOCKER},
	{"/nomad.slice/share.slice/" UID ".web.scope", HOME_CONTAINER, NULL, NULL, "nomad", UID, "web"},
};

/* What only looks like a container, or is one of another's making. */
static const struct path_case disguises[] = {
	/* A container makes cgroups that are called like others: no scope stands outside of a slice, so it stays A. */
	{"/docker/" A "/libpod-" B ".scope", HOME_CONTAINER, "/docker/" A, NULL, "docker", A, A12, DOCKER},
	{"/docker/" A "/docker-" B ".scope", HOME_CONTAINER, "/docker/" A, NULL, "docker", A, A12, DOCKER},
	{"/docker/" A "/" B, HOME_CONTAINER, "/docker/" A, NULL, "docker", A, A12, DOCKER},
	{"/docker/" A "/libpod-" B, HOME_CONTAINER, "/docker/" A, NULL, "docker", A, A12, DOCKER},
	{"/docker/" A "/crio-" B, HOME_CONTAINER, "/docker/" A, NULL, "docker", A, A12, DOCKER},
	{"/docker/" A "/machine.slice/libpod-conmon-" B ".scope", HOME_CONTAINER, "/docker/" A, NULL, "docker", A, A12,
	 DOCKER},
	{"/docker/" A "/supervisor", HOME_CONTAINER, "/docker/" A, NULL, "docker", A, A12, DOCKER},
	{"/docker/" A "/machine.slice/machine-in.scope/supervisor", HOME_CONTAINER,
	 "/docker/" A "/machine.slice/machine-in.scope", "/docker/" A, "nspawn", "in", A12 "/in"},
	{"/docker/" A "/lxc.monitor.b", HOME_CONTAINER, "/docker/" A, NULL, "docker", A, A12, DOCKER},
	{"/lxc.payload.x.slice/docker-" B ".scope", HOME_CONTAINER, "/lxc.payload.x.slice", NULL, "lxc", "x.slice",
	 "x.slice"},
	/* The whole shape: a child of A, and never to be looked up among the host's. */
	{"/docker/" A "/machine.slice/libpod-" B ".scope", HOME_CONTAINER, NULL, "/docker/" A, "podman", B, B12, NONE},
	{"/docker/" A "/libpod_parent/libpod-" B, HOME_CONTAINER, NULL, "/docker/" A, "podman", B, B12, NONE},
	{"/docker/" A "/lxc.payload.web", HOME_CONTAINER, NULL, "/docker/" A, "lxc", "web", A12 "/web"},
	{"/docker/" A "/machine.slice/machine-qemu\\x2d1\\x2dweb.scope", HOME_VM, NULL, "/docker/" A, "libvirt",
	 "qemu-1-web", A12 "/web"},
	/* A user does: theirs. */
	{"/user.slice/user-1000.slice/docker-" B ".scope", HOME_CONTAINER, NULL, NULL, "docker", B, B12, DOCKER, 1001},
	{USER "/kubepods/pod" UID "/" B, HOME_CONTAINER, NULL, NULL, "", B, B12, BARE, 1001, "", UID},
	{USER "/machine.slice/machine-web.scope", HOME_SESSION, NULL, NULL, "systemd", "machine-web.scope",
	 "machine-web.scope", NONE, 1001},
	{USER "/" B, HOME_SESSION, USER, NULL, "systemd", "user@1000.service", "user@1000.service", NONE, 1001},
	{"/user.slice/user-01000.slice/docker-" B ".scope", HOME_CONTAINER, NULL, NULL, "docker", B, B12, NONE},
	{"/user.slice/user-4294967296.slice/docker-" B ".scope", HOME_CONTAINER, NULL, NULL, "docker", B, B12, NONE},
	/* A service with a delegated tree does: its own, or at least not looked up. */
	{"/system.slice/a.service/docker-" B ".scope", HOME_SERVICE, "/system.slice/a.service", NULL, "systemd",
	 "a.service", "a.service"},
	{"/system.slice/a.service/x.slice/docker-" B ".scope", HOME_CONTAINER, NULL, NULL, "docker", B, B12, NONE},
	{"/system.slice/a.service/docker/" B, HOME_CONTAINER, NULL, NULL, "docker", B, B12, NONE},
	{"/system.slice/a.service/" B, HOME_SERVICE, "/system.slice/a.service", NULL, "systemd", "a.service",
	 "a.service"},
	{"/system.slice/a.service/libpod-conmon-" B ".scope", HOME_SERVICE, "/system.slice/a.service", NULL, "systemd",
	 "a.service", "a.service"},
	/* Length-exact, lower-case, anchored. */
	{"/docker/" A "0", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/docker/4F2B0C9D8E7A6F5B4C3D2E1F0A9B8C7D6E5F4A3B2C1D0E9F8A7B6C5D4E3F2A1B", HOME_CGROUP, NULL, NULL, "", "",
	 ""},
	{"/docker/" A12, HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/docker/" A ".scope", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/xdocker/x" A, HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/system.slice/my-docker-" A ".scope", HOME_SERVICE, NULL, NULL, "systemd", "my-docker-" A ".scope",
	 "my-docker-" A ".scope"},
	{"/system.slice/docker-" A "0.scope", HOME_SERVICE, NULL, NULL, "systemd", "docker-" A "0.scope",
	 "docker-" A "0.scope"},
	{"/system.slice/docker-" A ".scope.bak", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/kubepods/podx/" HEX, HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/notkubepods/pod" UID, HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/kubepods/pod" U_D, HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/kubepods.slice/kubepods-podzz.slice", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/default/web", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/default/web.service", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/k8s.io/some.scope", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/mine/firecracker/vm7", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/system.slice/a.service/firecracker/vm7", HOME_SERVICE, "/system.slice/a.service", NULL, "systemd",
	 "a.service", "a.service"},
	{"/docker/" A "/firecracker/vm7", HOME_CONTAINER, "/docker/" A, NULL, "docker", A, A12, DOCKER},
	{USER "/machine.slice/machine-qemu\\x2d1\\x2dweb.scope", HOME_SESSION, NULL, NULL, "systemd",
	 "machine-qemu\\x2d1\\x2dweb.scope", "machine-qemu-1-web.scope", NONE, 1001},
	{"/mine/lxc/web", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/qemu.slice/1x4.scope", HOME_SERVICE, NULL, NULL, "systemd", "1x4.scope", "1x4.scope"},
	{"/foo/machine-box.scope", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/x.slice/machine-box.scope", HOME_SERVICE, NULL, NULL, "systemd", "machine-box.scope", "machine-box.scope"},
	/* The cgroup tree's own paths may end so. */
	{"/docker/" A " (deleted)", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/mine (deleted)", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/system.slice/x.service (deleted)", HOME_CGROUP, NULL, NULL, "", "", ""},
	/* Bytes. */
	{"/system.slice/\x1b]52;c\a\xff.service", HOME_SERVICE, NULL, NULL, "systemd", "\x1b]52;c\a\xff.service",
	 "\x1b]52;c\a\xff.service"},
	{"/system.slice/a\\x00b\\xzz\\x.service", HOME_SERVICE, NULL, NULL, "systemd", "a\\x00b\\xzz\\x.service",
	 "a\\x00b\\xzz\\x.service"},
	{"/system.slice/a\\x2f\\x0a.service\\x2", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/..", HOME_CGROUP, NULL, NULL, "", "", ""},
	{"/../../docker/" A, HOME_CONTAINER, NULL, NULL, "docker", A, A12, DOCKER},
	{"relative", HOME_CGROUP, NULL, NULL, "", "", ""},
};

/* What the user of a unit, or of a slice, made stays theirs; so does what root made below it, since they may rename that. */
static const struct path_case below_delegates[] = {
	{"/system.slice/delegated.service/" B, HOME_SERVICE, "/system.slice/delegated.service", NULL, "systemd",
	 "delegated.service", "delegated.service"},
	{"/system.slice/a.service/delegated/" B, HOME_SERVICE, "/system.slice/a.service", NULL, "systemd", "a.service",
	 "a.service"},
	{"/system.slice/delegated.service/x/y/" B, HOME_SERVICE, "/system.slice/delegated.service", NULL, "systemd",
	 "delegated.service", "delegated.service"},
	{"/system.slice/delegated.service/docker/" B, HOME_CONTAINER, NULL, NULL, "docker", B, B12, NONE},
	{"/system.slice/delegated.service/libpod-payload-" B, HOME_CONTAINER, NULL, NULL, "podman", B, B12, NONE},
	{"/system.slice/delegated.service/libpod-" B, HOME_SERVICE, "/system.slice/delegated.service", NULL, "systemd",
	 "delegated.service", "delegated.service"},
	{"/system.slice/delegated.service/lxc.payload.web", HOME_SERVICE, "/system.slice/delegated.service", NULL,
	 "systemd", "delegated.service", "delegated.service"},
	{"/system.slice/delegated.service/lxc.monitor.web", HOME_SERVICE, "/system.slice/delegated.service", NULL,
	 "systemd", "delegated.service", "delegated.service"},
	{"/system.slice/docker.service/delegated/docker/" B, HOME_CONTAINER, NULL, NULL, "docker", B, B12, NONE},
	{USER "/app.slice/a.service/" B, HOME_SESSION, USER "/app.slice/a.service", NULL, "systemd", "a.service",
	 "a.service", NONE, 1001},
	{"/user.slice/user-1000.slice/session-3.scope/delegated/" B, HOME_SESSION,
	 "/user.slice/user-1000.slice/session-3.scope", NULL, "systemd", "session-3.scope", "session-3.scope", NONE,
	 1001},
	/* In a container nothing is asked: its root is root, too. */
	{"/system.slice/docker-" A ".scope/x.service/" B, HOME_CONTAINER, "/system.slice/docker-" A ".scope", NULL,
	 "docker", A, A12, DOCKER},
};

static bool prefix_is(const char *path, size_t len, const char *want)
{
	return strlen(want) == len && memcmp(path, want, len) == 0;
}

/* Below user@UID.service, and below what is called so, others than root make cgroups. */
static bool only_root(void *ctx, const char *path, size_t len)
{
	unsigned int *asked = ctx;

	(*asked)++;
	assert_true(len > 0 && path[len - 1] != '/' && (path[len] == '/' || !path[len]));
	return !memmem(path, len, "user@", 5) && !memmem(path, len, "delegated", 9);
}

static unsigned int asked;
static const struct identity_facts of_root = {.only_root = only_root, .ctx = &asked};

static void one_check(const struct path_case *c, const struct identity_facts *facts)
{
	struct identity_match m, home;
	const char *path = c->path, *pod = c->pod ?: "", *pod_uid = c->pod_uid ?: "";
	char *home_path;

	identity_from_path(path, 0, facts, &m);
	if (m.kind != c->kind || !prefix_is(path, m.home_len, c->home ?: path) ||
	    !prefix_is(path, m.parent_len, c->parent ?: "") || strcmp(m.runtime, c->runtime) != 0 ||
	    strcmp(m.id, c->id) != 0 || strcmp(m.name, c->name) != 0 || m.stores != c->stores ||
	    m.uid != c->owner - 1 || strcmp(m.pod, pod) != 0 || strcmp(m.pod_uid, pod_uid) != 0 ||
	    m.nested != (c->parent != NULL))
		fail_msg("%s: %s home %.*s parent %.*s runtime %s id %s name %s stores %u uid %lld pod %s uid %s "
			 "nested %d",
			 path, home_kind_name(m.kind), (int)m.home_len, path, (int)m.parent_len, path, m.runtime, m.id,
			 m.name, m.stores, (long long)m.uid, m.pod, m.pod_uid, m.nested);

	/* All cgroups of a home give the same answer: the cache keeps one for them. */
	home_path = strndup(path, m.home_len);
	identity_from_path(home_path, 0, facts, &home);
	if (home.kind != m.kind || home.home_len != m.home_len || home.parent_len != m.parent_len ||
	    home.uid != m.uid || home.stores != m.stores || strcmp(home.name, m.name) != 0 ||
	    strcmp(home.id, m.id) != 0 || strcmp(home.pod_uid, m.pod_uid) != 0 || strcmp(home.pod, m.pod) != 0 ||
	    strcmp(home.runtime, m.runtime) != 0)
		fail_msg("%s: its home %s is matched differently", path, home_path);
	free(home_path);
}

static void shapes(void **state)
{
	(void)state;
	assert_true(ARRAY_SIZE(cases) >= 80);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		one_check(&cases[i], &of_root);
}

static void disguise(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(disguises); i++)
		one_check(&disguises[i], NULL);
}

static void delegates(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(below_delegates); i++)
		one_check(&below_delegates[i], &of_root);
}

/* With systemd's driver the steps have no cgroup of their own around them: their home's path is without the id. */
static void build_steps(void **state)
{
	static const char *const paths[] = {"/system.slice/docker.service/system.slice:docker:" STEP,
					    "/system.slice/docker.service/system.slice:docker:" STEP "/sub",
					    "/shop.slice:docker:" STEP, "/shop.slice:buildkit:" STEP};
	struct identity_match m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		identity_from_path(paths[i], 0, &of_root, &m);
		assert_int_equal(m.kind, HOME_CONTAINER);
		assert_string_equal(m.name, "buildkit");
		assert_int_equal(m.instance_len, strlen(STEP));
		assert_memory_equal(paths[i] + m.instance_at, STEP, strlen(STEP));
	}
	identity_from_path("/system.slice/delegated.service/system.slice:docker:" STEP, 0, &of_root, &m);
	assert_int_equal(m.kind, HOME_SERVICE);
	identity_from_path("/shop.slice:docker:" STEP "x", 0, &of_root, &m);
	assert_int_equal(m.kind, HOME_CGROUP);
}

static void talos(void **state)
{
	static const char *const services[] = {"/podruntime/kubelet", "/system/apid", "/init"};
	struct identity_match m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
		identity_from_path(services[i], IDENTITY_PATH_ON_TALOS, NULL, &m);
		assert_int_equal(m.kind, HOME_SERVICE);
		assert_string_equal(m.runtime, "talos");
	}
	identity_from_path("/docker/" A "/system/x", IDENTITY_PATH_ON_TALOS, NULL, &m);
	assert_string_equal(m.id, A);
}

/* Who owns a cgroup costs a look at the file system: only an id or a name that a unit may have made is worth it. */
static void seldom_asked(void **state)
{
	struct identity_match m;

	(void)state;
	asked = 0;
	identity_from_path("/system.slice/docker-" A ".scope/x", 0, &of_root, &m);
	identity_from_path("/docker/" A "/x", 0, &of_root, &m);
	identity_from_path("/system.slice/a.service/x/y/z", 0, &of_root, &m);
	identity_from_path(USER "/app.slice/a.service/x", 0, &of_root, &m);
	identity_from_path("/" A, 0, &of_root, &m);
	assert_int_equal(asked, 0);
	identity_from_path("/system.slice/a.service//x/" A "/y/" B, 0, &of_root, &m);
	assert_int_equal(m.kind, HOME_CONTAINER);
	assert_string_equal(m.id, A);
	assert_int_equal(asked, 2);
}

/* /proc appends " (deleted)" once. */
static void deleted(void **state)
{
	struct identity_match m;

	(void)state;
	identity_from_path("/docker/" A " (deleted)", IDENTITY_PATH_FROM_PROC, NULL, &m);
	assert_int_equal(m.kind, HOME_CONTAINER);
	assert_string_equal(m.id, A);
	assert_int_equal(m.home_len, strlen("/docker/" A));
	identity_from_path("/x (deleted) (deleted)", IDENTITY_PATH_FROM_PROC, NULL, &m);
	assert_int_equal(m.home_len, strlen("/x (deleted)"));
	identity_from_path("/ (deleted)", 0, NULL, &m);
	assert_int_equal(m.kind, HOME_CGROUP);
	identity_from_path("/ (deleted)", IDENTITY_PATH_FROM_PROC, NULL, &m);
	assert_int_equal(m.kind, HOME_HOST);
}

static void long_names(void **state)
{
	char name[256], path[1024];
	struct identity_match m;

	(void)state;
	memset(name, 'n', 255);
	name[255] = '\0';
	memcpy(name + 255 - 8, ".service", 8);
	snprintf(path, sizeof(path), "/system.slice/%s/sub", name);
	identity_from_path(path, 0, NULL, &m);
	assert_int_equal(m.kind, HOME_SERVICE);
	assert_string_equal(m.name, name);
	assert_string_equal(m.id, name);

	memcpy(name, "lxc.payload.", 12);
	memset(name + 12, 'n', 243);
	snprintf(path, sizeof(path), "/%s", name);
	identity_from_path(path, 0, NULL, &m);
	assert_string_equal(m.name, name + 12);

	/* No cgroup is called so: nothing is believed of it. */
	snprintf(path, sizeof(path), "/system.slice/x%s.service", name);
	identity_from_path(path, 0, NULL, &m);
	assert_int_equal(m.kind, HOME_CGROUP);
	assert_int_equal(m.home_len, strlen(path));
}

static void deep_paths(void **state)
{
	_cleanup_buf_ struct buf levels = {}, chain = {};
	struct identity_match m;
	size_t last = 0;

	(void)state;
	for (int i = 0; i < 64; i++)
		buf_printf(&levels, "/level%d", i);
	identity_from_path(levels.data, 0, NULL, &m);
	assert_int_equal(m.kind, HOME_CGROUP);
	assert_int_equal(m.home_len, levels.len);

	/* Containers in containers, named by the path: the name is bounded, the chain is not. */
	for (int i = 0; i < 64; i++) {
		last = chain.len;
		buf_printf(&chain, "/lxc.payload.%0100d", i);
	}
	identity_from_path(chain.data, 0, NULL, &m);
	assert_int_equal(m.kind, HOME_CONTAINER);
	assert_int_equal(m.home_len, chain.len);
	assert_int_equal(m.parent_len, last);
	assert_true(strlen(m.name) < IDENTITY_NAME_MAX);

	buf_reset(&levels);
	while (levels.len < 8192)
		buf_str(&levels, "/docker/" A);
	identity_from_path(levels.data, 0, NULL, &m);
	assert_int_equal(m.parent_len, levels.len - strlen("/docker/" A));
	assert_int_equal(m.stores, 0);
}

/* Every cut and every flipped byte of every path: no crash, and bounds that hold. */
static void mangled(void **state)
{
	char path[1024];
	struct identity_match m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = strlen(cases[i].path);

		for (size_t at = 0; at <= len; at++) {
			/* Exactly as large as it is, so that ASan sees a read past the end. */
			char *cut = strndup(cases[i].path, at);

			identity_from_path(cut, at & 1, &of_root, &m);
			assert_true(m.home_len <= at && m.parent_len <= m.home_len);
			free(cut);
			memcpy(path, cases[i].path, len + 1);
			path[at] = at == len ? '\0' : (char)(path[at] ^ 0x11 ?: '/');
			identity_from_path(path, 0, NULL, &m);
			assert_true(m.home_len <= len && m.parent_len <= m.home_len);
		}
	}
}

static void kind_names(void **state)
{
	(void)state;
	for (int i = 0; i < HOME_KINDS; i++)
		for (int k = 0; k < i; k++)
			assert_string_not_equal(home_kind_name((enum home_kind)i), home_kind_name((enum home_kind)k));
	assert_string_equal(home_kind_name(HOME_HOST), "host");
	assert_string_equal(home_kind_name(HOME_CONTAINER), "container");
	assert_string_equal(home_kind_name(HOME_KINDS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes),      cmocka_unit_test(disguise),   cmocka_unit_test(delegates),
		cmocka_unit_test(build_steps), cmocka_unit_test(talos),	     cmocka_unit_test(seldom_asked),
		cmocka_unit_test(deleted),     cmocka_unit_test(long_names), cmocka_unit_test(deep_paths),
		cmocka_unit_test(mangled),     cmocka_unit_test(kind_names),
	};

	return cmocka_run_group_tests_name("identity_path", tests, NULL, NULL);
}
