/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rights.c - see confine.h. libcap-ng, whose state is of the calling thread. */
#include <cap-ng.h>
#include <errno.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "confine/confine.h"

static bool right_is_there(unsigned int right)
{
	return capng_have_capability(CAPNG_PERMITTED, right);
}

/* Before 5.8 there was neither of the first two; a container's root may write all files, and not read all. */
static uint64_t rights_older(uint64_t keep)
{
	if (((keep & RIGHT(BPF)) && !right_is_there(CAP_BPF)) ||
	    ((keep & RIGHT(PERFMON)) && !right_is_there(CAP_PERFMON)))
		keep |= RIGHT(SYS_ADMIN);
	if ((keep & RIGHT(DAC_READ_SEARCH)) && !right_is_there(CAP_DAC_READ_SEARCH))
		keep |= RIGHT(DAC_OVERRIDE);
	return keep;
}

int confine_rights(uint64_t keep)
{
	uint64_t has = 0;
	bool bounds;

	if (capng_get_caps_process() < 0)
		return -EIO;
	keep = rights_older(keep);
	for (unsigned int right = 0; right <= CAP_LAST_CAP; right++)
		if (right_is_there(right))
			has |= UINT64_C(1) << right;
	bounds = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	capng_clear(CAPNG_SELECT_BOTH);
	for (unsigned int right = 0; right <= CAP_LAST_CAP; right++)
		if (has & keep & UINT64_C(1) << right)
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, right);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* Since 4.3; what is not inheritable is not in it afterwards either. */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (capng_apply(bounds ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) < 0)
		return -EPERM;
	return 0;
}

void confine_rights_text(struct buf *out)
{
	size_t n = 0;

	if (capng_get_caps_process() < 0)
		return;
	for (unsigned int right = 0; right <= CAP_LAST_CAP; right++)
		if (capng_have_capability(CAPNG_EFFECTIVE, right))
			buf_printf(out, "%s%s", n++ ? " " : "", capng_capability_to_name(right) ?: "?");
	if (!n)
		buf_str(out, "none");
}

bool confine_folder_is_ours(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	if (st.st_uid == geteuid())
		return (st.st_mode & (S_IWUSR | S_IXUSR)) == (S_IWUSR | S_IXUSR);
	if (st.st_gid == getegid())
		return (st.st_mode & (S_IWGRP | S_IXGRP)) == (S_IWGRP | S_IXGRP);
	return (st.st_mode & (S_IWOTH | S_IXOTH)) == (S_IWOTH | S_IXOTH);
}
