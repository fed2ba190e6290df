/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of arch/x86_64 know about this machine's processors.  Private to this folder. */
#pragma once

#include <kernel/percpu.h>
#include <kernel/types.h>

struct arch_context;
struct arch_regs;
struct task;

/* Features that code asks about, decided once on the boot CPU. */
struct cpu_features {
	bool smep, smap, umip, fsgsbase, rdtscp, page_1g, pcid, invpcid;
	bool xsave, xsaveopt, rdrand, rdseed, aes;
	bool quick_switch; /* fsgsbase and xsaveopt */
	bool apic, x2apic, tsc_deadline, tsc_invariant, tsc_adjust, mce, mca, hypervisor;
	uint32_t max_leaf, max_ext_leaf;
	uint32_t family, model, stepping;
	uint8_t phys_bits, virt_bits;
	char vendor[13];
	char brand[49];
};
extern struct cpu_features cpu_features;

/* Interrupt stack table slots; 0 in a gate means "the stack in use, or RSP0". */
enum ist {
	IST_NMI = 1,
	IST_DOUBLE_FAULT,
	IST_MACHINE_CHECK,
	IST_DEBUG,
	IST_COUNT = IST_DEBUG,
};

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t io_map;
} __packed;

#define GDT_ENTRIES 11

/* One per CPU, reached by cpu->arch. */
struct arch_cpu {
	struct tss tss;
	uint64_t *gdt; /* GDT_ENTRIES, in memory that becomes read-only */
	uint32_t apic_id;
	_Atomic uint32_t start_state;  /* smp.c */
	_Atomic uint32_t trace_wanted; /* nmi.c: another CPU asks where this one is */
	_Atomic uint32_t trace_count;  /* nmi.c: of trace[]; 0: not noted yet */
	uintptr_t trace[12];
	uint32_t nmi_count; /* written by the NMI handler alone */
	uint32_t nmi_reported;
	uint64_t nmi_next_report_ns;
	int64_t tsc_corrected; /* tsc.c: what its counter was moved by when it started */
	int64_t tsc_offset;    /* tsc.c: by how much it is behind the boot CPU's still; 0: not to be told */
	uint64_t gs_base_user; /* what MSR_KERNEL_GS_BASE holds */
	uint64_t fs_base_user; /* what MSR_FS_BASE holds (CPUs without FSGSBASE) */
};

/* cpu.c */
void syscall_init_cpu(void);

/* gdt.c */
void gdt_init_boot_cpu(struct cpu *cpu);
void gdt_set_ist_stacks(struct cpu *cpu); /* own guarded stacks instead of the start-up ones */
/* Tables and interrupt stacks of a CPU that is not running yet.  -ENOMEM. */
int gdt_prepare_cpu(struct cpu *cpu) __must_check;
void gdt_load_cpu(struct cpu *cpu);

/* idt.c */
void idt_init(void);
void idt_load(void);

/* features.c */
void features_detect(void);     /* boot CPU */
bool features_match(void);      /* has this CPU all that the boot CPU has and the kernel uses? */
void features_enable_cpu(void); /* control registers of this CPU */
void features_check(void);      /* panics when a pinned bit is gone */
void text_enable_smap(void);

/* fpu.c */
void fpu_detect(void);   /* boot CPU: what there is to save */
void fpu_init_cpu(void); /* before the first switch */
void fpu_init(void);     /* sizes and the cache of areas */
/* Interrupts off.  Bring the running task's area up to date. */
const void *fpu_save_current(void);
/* Interrupts off.  Make `area` the running task's and load its registers from it; returns the former one. */
void *fpu_exchange_current(void *area);
void *fpu_scratch_alloc(void); /* an area with whatever is in it; NULL: out of memory */
void fpu_scratch_free(void *scratch);
size_t fpu_area_size(void);
uint64_t fpu_xfeatures(void);
uint32_t fpu_mxcsr_mask(void);
/* usercopy.c, with XSAVE: the running program's registers straight to an area in its memory, 64-byte aligned,
 * and back.  Of the area's header XSAVE adds to the word that says what is in use, and leaves the rest alone.
 * -EFAULT also for what the processor does not load; what the registers hold then is undefined. */
int fpu_save_to_user(uaddr_t area) __attribute__((warn_unused_result));
int fpu_load_from_user(uaddr_t area) __attribute__((warn_unused_result));

/* signal.c: what all frames have in common, after fpu_init */
void signal_frame_init(void);

/* message.asm */
void message_store(void *to, size_t size);
void message_load(const void *from);

/* trap.c: called by entry.asm */
void exception_entry(struct arch_regs *regs);
void interrupt_entry(struct arch_regs *regs);
void paranoid_exception_entry(struct arch_regs *regs);
void exit_to_bad_address(struct arch_regs *regs);

/* entry.asm */
void syscall_entry(void);
void context_first_run(void);
extern const char exception_stubs[][16];

/* extable.c: where to go on after a fault at `rip`; 0: nowhere. */
uint64_t extable_find(uint64_t rip);

/* timer.c */
void timer_init_cpu(void);

/* paging.c */
void paging_init_cpu(void);
void paging_seal(void);
