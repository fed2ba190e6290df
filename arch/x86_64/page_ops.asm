; SPDX-License-Identifier: BSD-2-Clause
; Whole pages.  Quadword string operations: processors with fast strings move cache lines for these, too.

%define QWORDS_PER_PAGE 512

section .text

; void arch_clear_page(void *page): RDI = page; any stack, any interrupt state; RAX, RCX, RDI change.
global arch_clear_page:function hidden
align 16
arch_clear_page:
	endbr64
	xor	eax, eax
	mov	ecx, QWORDS_PER_PAGE
	rep stosq
	ret
	int3

; void arch_copy_page(void *to, const void *from): RDI = to, RSI = from; RCX, RDI, RSI change.
global arch_copy_page:function hidden
align 16
arch_copy_page:
	endbr64
	mov	ecx, QWORDS_PER_PAGE
	rep movsq
	ret
	int3
