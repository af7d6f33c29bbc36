/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmexit.c - `vmexit STATUS` in a guest: ends the virtual machine with that status. Written to QEMU's isa-debug-exit
 * port as STATUS + 1, since QEMU ends with 2 * value + 1, and 1 is its own "could not start". Port by iopl: cloud
 * kernels have no /dev/port. Static, called by guest/init; returns only when it failed.
 */
#include <stdlib.h>
#include <sys/io.h>

int main(int argc, char **argv)
{
	int status = argc > 1 ? atoi(argv[1]) : 0;

	if (status < 0 || status > 120)
		status = 120;
	if (iopl(3) < 0)
		return 1;
	outb((unsigned char)(status + 1), 0xf4);
	return 1;
}
