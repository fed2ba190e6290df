; SPDX-License-Identifier: BSD-2-Clause
;
; Every way into the kernel and out of it.
;
; Exceptions and interrupts arrive through 256 stubs that make one frame of all of them: struct arch_regs
; (offsets.inc), 16-byte aligned, at the top of the task's kernel stack when they come from user mode.
; System calls build the same frame by hand.  Gates clear IF, so all of this runs with interrupts off
; until C turns them on.
;
; GS: user's outside, the kernel's inside; SWAPGS happens exactly where the privilege changes.  NMI,
; machine check, double fault and debug may strike between the two, so they do not look: their stacks
; carry the address of this CPU's struct cpu at the top, and the old GS base is put back at the end.

%include "offsets.inc"

extern exception_entry
extern interrupt_entry
extern paranoid_exception_entry
extern exit_to_bad_address
extern syscall_dispatch
extern syscall_restarts
extern user_return_work

; Below vector, error code and what the CPU pushed.
%macro SAVE_REGISTERS 0
	push	r9
	push	r8
	push	r10
	push	rdx
	push	rsi
	push	rdi
	push	rax
	push	rcx
	push	r11
	push	rbx
	push	rbp
	push	r12
	push	r13
	push	r14
	push	r15
%endmacro

; Leaves RSP at what the CPU pushed.
%macro RESTORE_REGISTERS 0
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbp
	pop	rbx
	pop	r11
	pop	rcx
	pop	rax
	pop	rdi
	pop	rsi
	pop	rdx
	pop	r10
	pop	r8
	pop	r9
	add	rsp, 16
%endmacro

; %1: the C function.  In: vector and error code pushed.  The fence keeps the CPU from running ahead with
; the wrong GS when it guesses the branch.
%macro ENTRY 1
	test	byte [rsp + REGS_CS - REGS_VECTOR], 3
	jz	%%kernel
	swapgs
	lfence
	SAVE_REGISTERS
	cld
	USER_ACCESS_END
	xor	ebp, ebp		; the end of every stack trace
	mov	rdi, rsp
	call	%1
	jmp	exit_to_user

%%kernel:
	lfence
	SAVE_REGISTERS
	cld
	USER_ACCESS_END
	mov	rdi, rsp
	; As if the interrupted instruction were a call: stack traces go on through it.
	push	qword [rsp + REGS_RIP]
	push	rbp
	mov	rbp, rsp
	call	%1
	add	rsp, 16
	RESTORE_REGISTERS
	iretq
%endmacro

section .text progbits alloc exec nowrite align=64
bits 64

align 64
exception_common:
	ENTRY	exception_entry

align 64
interrupt_common:
	ENTRY	interrupt_entry

; To user mode with the registers at RSP; the stack is otherwise empty.
align 64
exit_to_user:
	cli
	mov	rax, [gs:CPU_CURRENT]
	mov	ecx, [rax + TASK_WORK]
	or	ecx, [gs:CPU_RESCHED]
	jnz	.work
.ready:
	; IRETQ to a non-canonical address would fault here, in the kernel, with the user's GS.
	mov	rax, [rsp + REGS_RIP]
	shr	rax, 47
	jnz	.bad_address
	RESTORE_REGISTERS
	swapgs
	iretq
.work:
	mov	rdi, rsp
	call	user_return_work
	jmp	.ready
.bad_address:
	mov	rdi, rsp
	call	exit_to_bad_address
	jmp	exit_to_user

; void enter_user(struct arch_regs *regs): regs at the very top of the kernel stack.
global enter_user:function hidden
enter_user:
	mov	rsp, rdi
	xor	ebp, ebp
	jmp	exit_to_user

; SYSCALL: RCX = return address, R11 = flags, RSP still the user's; IF, DF, TF, AC, NT are off (FMASK).
align 64
global syscall_entry:function hidden
syscall_entry:
	swapgs
	mov	[gs:CPU_SCRATCH], rsp
	mov	rsp, [gs:CPU_KERNEL_STACK]
	push	SEL_USER_DATA
	push	qword [gs:CPU_SCRATCH]
	push	r11
	push	SEL_USER_CODE
	push	rcx
	push	rax			; error: the number of the call
	push	REGS_VECTOR_SYSCALL
	SAVE_REGISTERS
	xor	ebp, ebp
	mov	rbx, rsp
	; Where local variables lie differs from call to call.
	rdtsc
	and	eax, STACK_OFFSET_MASK
	sub	rsp, rax
	mov	rdi, rbx
	sti
	call	syscall_dispatch
	mov	[rbx + REGS_RAX], rax
	add	rax, RESTART_LAST
	cmp	rax, RESTART_LAST - RESTART_FIRST
	jbe	.restarts
.dispatched:
	cli
	mov	rsp, rbx
	mov	rax, [gs:CPU_CURRENT]
	mov	ecx, [rax + TASK_WORK]
	or	ecx, [gs:CPU_RESCHED]
	jnz	exit_to_user.work

	; SYSRET cannot do everything IRETQ can: not with registers that a signal, exec or the debugger
	; replaced (they leave another vector), not with TF or RF, and above all not to an address that is
	; not canonical, where some CPUs fault while still in the kernel.
	cmp	dword [rsp + REGS_VECTOR], REGS_VECTOR_SYSCALL
	jne	exit_to_user.ready
	mov	rcx, [rsp + REGS_RIP]
	mov	r11, [rsp + REGS_RFLAGS]
	mov	rax, rcx
	shr	rax, 47
	jnz	exit_to_user.ready
	test	r11d, FLAGS_TF | FLAGS_RF
	jnz	exit_to_user.ready

	mov	rbp, [rsp + REGS_RBP]
	mov	rbx, [rsp + REGS_RBX]
	add	rsp, REGS_RAX	; C has kept R12 to R15; R11 and RCX are loaded
	pop	rax
	pop	rdi
	pop	rsi
	pop	rdx
	pop	r10
	pop	r8
	pop	r9
	mov	rsp, [rsp + REGS_RSP - REGS_VECTOR]
	swapgs
	o64 sysret
	int3
.restarts:
	call	syscall_restarts
	jmp	.dispatched

; On an IST stack, whose top holds this CPU's struct cpu.  GS may be anybody's.
align 64
paranoid_common:
	SAVE_REGISTERS
	cld
	USER_ACCESS_END
	mov	ecx, MSR_GS_BASE
	rdmsr
	shl	rdx, 32
	or	rax, rdx
	mov	rbx, rax
	mov	rax, [rsp + REGS_SIZE]
	mov	rdx, rax
	shr	rdx, 32
	wrmsr
	lfence
	mov	rdi, rsp
	call	paranoid_exception_entry
	mov	ecx, MSR_GS_BASE
	mov	rax, rbx
	mov	rdx, rbx
	shr	rdx, 32
	wrmsr
	RESTORE_REGISTERS
	iretq

; A debug exception in user mode is an ordinary one: it ends in a signal, so it may sleep and must leave
; the IST stack.  Through MOV SS and SYSCALL it can also come from the first instruction of the kernel.
align 64
debug_common:
	test	byte [rsp + REGS_CS - REGS_VECTOR], 3
	jz	paranoid_common
	swapgs
	lfence
	push	rax
	mov	rax, rsp
	mov	rsp, [gs:CPU_KERNEL_STACK]
	push	qword [rax + 56]
	push	qword [rax + 48]
	push	qword [rax + 40]
	push	qword [rax + 32]
	push	qword [rax + 24]
	push	qword [rax + 16]
	push	qword [rax + 8]
	mov	rax, [rax]
	SAVE_REGISTERS
	cld
	USER_ACCESS_END
	xor	ebp, ebp
	mov	rdi, rsp
	call	exception_entry
	jmp	exit_to_user

; 16 bytes each.  The CPU pushes an error code for some: the others push a zero in its place.
align 64
global exception_stubs:data hidden
exception_stubs:
%assign vector 0
%rep 256
	align	16
%if vector != 8 && vector != 10 && vector != 11 && vector != 12 && vector != 13 && vector != 14 && \
	vector != 17 && vector != 21 && vector != 29 && vector != 30
	push	0
%endif
	push	dword vector
%if vector == 1
	jmp	near debug_common
%elif vector == 2 || vector == 8 || vector == 18
	jmp	near paranoid_common
%elif vector < 32
	jmp	near exception_common
%else
	jmp	near interrupt_common
%endif
%assign vector vector + 1
%endrep

; From one kernel stack to another: RDI = where to save the stack pointer, RSI = the one to load.  Interrupts
; are off.  Called by arch_context_jump() only, which expects no register to survive.
align 16
global context_switch:function hidden
context_switch:
	mov	[rdi], rsp
	mov	rsp, rsi
	ret
	int3

; Where a new context comes out of context_switch: struct first_frame (context.c).  Interrupts are still off:
; the function lets go of the run queue first.
align 16
global context_first_run:function hidden
context_first_run:
	xor	ebp, ebp
	pop	rax
	pop	rdi
	call	rax
	ud2
