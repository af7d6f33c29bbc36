/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm.c - virtual machines of libvirt, Proxmox, Firecracker's jailer and vmspawn, and libvirt's LXC containers. Called by
 * path.c; reads no file.
 * Everything below (vcpu threads, emulator) belongs to the machine.
 */
#include <string.h>

#include "identity/shape/family.h"

/* "embed-0a1b2c3d-", a hash, before the number: a program that has libvirt in itself. */
static const char *embed_skip(const char *machine)
{
	static const char embed[] = "embed-";
	const char *rest = machine + strlen(embed);

	if (strncmp(machine, embed, strlen(embed)) != 0 || strspn(rest, "0123456789abcdef") != 8 || rest[8] != '-')
		return machine;
	return rest + 9;
}

/*
 * libvirt names its machines DRIVER-NUMBER-NAME. Only the first number is removed: "qemu-1-web-01" is web-01, with
 * the dashes and digits of its name.
 */
static const char *name_without_number(const char *machine, const char *driver)
{
	size_t n = strlen(driver), digits;

	if (strncmp(machine, driver, n) != 0)
		return NULL;
	machine = embed_skip(machine + n);
	digits = strspn(machine, "0123456789");
	if (digits && machine[digits] == '-' && machine[digits + 1])
		machine += digits + 1;
	return machine[0] ? machine : NULL;
}

static bool vm_claim(struct path_walk *w, const char *machine)
{
	struct path_part id = {machine, strlen(machine)};
	const char *name = name_without_number(machine, "qemu-") ?: name_without_number(machine, "ch-");

	if (name) {
		walk_named(w, HOME_VM, "libvirt", id, name);
		return true;
	}
	name = name_without_number(machine, "lxc-");
	if (!name)
		return false;
	walk_named(w, HOME_CONTAINER, "libvirt", id, name);
	return true;
}

bool vm_match(struct path_walk *w)
{
	char text[IDENTITY_ID_MAX];
	struct path_part name;
	bool vm;

	if (w->place == PLACE_USER || w->place == PLACE_UNIT)
		return false;
	if (part_between(w->part, "machine-", ".scope", &name) && part_ends(w->prev, ".slice")) {
		part_unescape(name, text, sizeof(text));
		return vm_claim(w, text);
	}
	if (part_between(w->part, "systemd-vmspawn@", ".service", &name) && part_ends(w->prev, ".slice")) {
		part_unescape(name, text, sizeof(text));
		walk_named(w, HOME_VM, "vmspawn", (struct path_part){text, strlen(text)}, text);
		return true;
	}
	/* Firecracker's jailer: its program's name, then the id that it was given. */
	if (w->index == 1 && part_is(w->prev, "firecracker") && w->place == PLACE_TOP) {
		part_copy(w->part, text, sizeof(text));
		walk_named(w, HOME_VM, "firecracker", w->part, text);
		return true;
	}
	if (part_is(w->prev, "qemu.slice") && part_between(w->part, "", ".scope", &name) && part_digits(name)) {
		part_copy(name, text, sizeof(text));
		walk_named(w, HOME_VM, "qemu", name, text);
		return true;
	}
	/* Before systemd: /machine/NAME.libvirt-qemu, /machine/PARTITION.partition/... */
	if (!part_is(w->prev, "machine") && !part_ends(w->prev, ".partition"))
		return false;
	vm = part_between(w->part, "", ".libvirt-qemu", &name) || part_between(w->part, "", ".libvirt-ch", &name);
	if (!vm && !part_between(w->part, "", ".libvirt-lxc", &name))
		return false;
	part_copy(name, text, sizeof(text));
	if (vm_claim(w, text))
		return true;
	walk_named(w, vm ? HOME_VM : HOME_CONTAINER, "libvirt", name, text);
	return true;
}
