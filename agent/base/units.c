/* SPDX-License-Identifier: GPL-2.0-or-later */
/* units.c - see units.h. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/units.h"

#define NUMBER_MAX 32

static const struct {
	char letter;
	double seconds;
} durations[] = {{'w', 604800}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

static const char size_letters[] = "TGMK";

/* The number without its unit, whose letter is *ret_unit, 0 for none. */
static int unit_split(const char *s, char *number, char *ret_unit)
{
	size_t length = s ? strlen(s) : 0;
	char last = length ? s[length - 1] : '\0';

	*ret_unit = (last >= 'a' && last <= 'z') || (last >= 'A' && last <= 'Z') ? last : '\0';
	length -= *ret_unit != '\0';
	if (length == 0 || length >= NUMBER_MAX)
		return -EINVAL;
	memcpy(number, s, length);
	number[length] = '\0';
	return 0;
}

int parse_size(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	char number[NUMBER_MAX], unit;
	uint64_t v = 0;
	int r = unit_split(s, number, &unit);

	r = r ?: parse_u64(number, 0, UINT64_MAX, &v);
	if (r < 0)
		return r;
	if (unit) {
		char upper[2] = {unit >= 'a' ? (char)(unit - 'a' + 'A') : unit, '\0'};
		size_t place = strcspn(size_letters, upper);

		if (place == strlen(size_letters))
			return -EINVAL;
		if (__builtin_mul_overflow(v, 1ULL << (10 * (strlen(size_letters) - place)), &v))
			return -ERANGE;
	}
	if (v < min || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

int parse_duration(const char *s, double min, double max, double *ret)
{
	char number[NUMBER_MAX], unit;
	double v = 0, seconds = 0;
	int r = unit_split(s, number, &unit);

	r = r ?: parse_double(number, 0, 1e15, &v);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(durations); i++)
		if (durations[i].letter == (unit ?: 's'))
			seconds = durations[i].seconds;
	if (seconds == 0)
		return -EINVAL;
	v *= seconds;
	if (v < min || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

void size_text(struct buf *out, uint64_t bytes)
{
	for (size_t i = 0; i < strlen(size_letters); i++) {
		uint64_t unit = 1ULL << (10 * (strlen(size_letters) - i));

		if (bytes && bytes % unit == 0) {
			buf_printf(out, "%llu%c", (unsigned long long)(bytes / unit), size_letters[i]);
			return;
		}
	}
	buf_printf(out, "%llu", (unsigned long long)bytes);
}

void duration_text(struct buf *out, double seconds)
{
	/* Days at most: what somebody typed as 7d shall not come back as 1w. */
	for (size_t i = 1; i < ARRAY_SIZE(durations); i++)
		if (seconds > 0 && fmod(seconds, durations[i].seconds) == 0) {
			buf_printf(out, "%g%c", seconds / durations[i].seconds, durations[i].letter);
			return;
		}
	buf_printf(out, "%gs", seconds);
}
