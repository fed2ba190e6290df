; SPDX-License-Identifier: BSD-2-Clause
; The console font, taken from Debian's console-setup-linux at build time (build/font.psf).

section .rodata
align 16
global console_font:data hidden
global console_font_end:data hidden

console_font:
	incbin "font.psf"
console_font_end:
