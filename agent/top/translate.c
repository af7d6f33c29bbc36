/* SPDX-License-Identifier: GPL-2.0-or-later */
/* translate.c - keys of curses as those of state.h. */
#include <curses.h>

#include "top/frame.h"

int key_translate(int key)
{
	switch (key) {
	case KEY_UP:
		return KEY_TOP_UP;
	case KEY_DOWN:
		return KEY_TOP_DOWN;
	case KEY_PPAGE:
		return KEY_TOP_PAGE_UP;
	case KEY_NPAGE:
		return KEY_TOP_PAGE_DOWN;
	case KEY_HOME:
		return KEY_TOP_HOME;
	case KEY_END:
		return KEY_TOP_END;
	case KEY_LEFT:
		return KEY_TOP_LEFT;
	case KEY_RIGHT:
		return KEY_TOP_RIGHT;
	case KEY_BACKSPACE:
		return KEY_TOP_BACKSPACE;
	case KEY_F(1):
		return KEY_TOP_HELP;
	case KEY_F(2):
		return KEY_TOP_SETUP;
	case KEY_F(3):
		return '/';
	case KEY_F(4):
		return '\\';
	case KEY_F(5):
		return KEY_TOP_REFRESH;
	case KEY_F(10):
		return KEY_TOP_QUIT;
	case KEY_ENTER:
		return '\n';
	default:
		return key;
	}
}
