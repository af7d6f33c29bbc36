/* SPDX-License-Identifier: GPL-2.0-or-later */
/* findings.c - the words of include/sysscope/findings.h, for whoever shows or reads them. */
#include "sysscope/findings.h"

const char *const finding_severity_names[FINDING_SEVERITIES] = {"notice", "warning", "critical"};
const char *const finding_confidence_names[FINDING_CONFIDENCES] = {"low", "medium", "high"};
