/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm.c - virtual machines of libvirt and Proxmox, and libvirt's LXC containers. Called by path.c; reads no file.
 * Everything below (vcpu threads, emulator) belongs to the machine.
 */
#include <string.h>

#include "identity/shape/family.h"

/*
 * libvirt names its machines DRIVER-NUMBER-NAME. Only the first number is removed: "qemu-1-web-01" is web-01, with
 * the dashes and digits of its name.
 */
static const char *name_without_number(const char *machine, const char *driver)
{
	size_t n = strlen(driver), digits;

	if (strncmp(machine, driver, n) != 0)
		return NULL;
	machine += n;
	digits = strspn(machine, "0123456789");
	if (digits && machine[digits] == '-' && machine[digits + 1])
		machine += digits + 1;
	return machine[0] ? machine : NULL;
}

static bool vm_claim(struct path_walk *w, const char *machine)
{
	struct path_part id = {machine, strlen(machine)};
	const char *name = name_without_number(machine, "qemu-");

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
	if (part_is(w->prev, "qemu.slice") && part_between(w->part, "", ".scope", &name) && part_digits(name)) {
		part_copy(name, text, sizeof(text));
		walk_named(w, HOME_VM, "qemu", name, text);
		return true;
	}
	/* Before systemd: /machine/NAME.libvirt-qemu, /machine/PARTITION.partition/... */
	if (!part_is(w->prev, "machine") && !part_ends(w->prev, ".partition"))
		return false;
	vm = part_between(w->part, "", ".libvirt-qemu", &name);
	if (!vm && !part_between(w->part, "", ".libvirt-lxc", &name))
		return false;
	part_copy(name, text, sizeof(text));
	if (vm_claim(w, text))
		return true;
	walk_named(w, vm ? HOME_VM : HOME_CONTAINER, "libvirt", name, text);
	return true;
}
