/* SPDX-License-Identifier: Apache-2.0 */
/* A QEMU plugin that estimates cycles: every executed Thumb instruction is charged the cycles that
 * Arm's manuals give for its kind, and what depends on its neighbours:
 *
 *   - Cortex-M3 TRM (DDI 0337), Cortex-M4 TRM (DDI 0439), "Instruction timing" and "Load/store
 *     timings": a load takes 2 cycles, 1 right behind a load that does not give its address; an
 *     address that the instruction before has computed costs 1 more; a multiple takes 1 + n.
 *   - Cortex-M0+ TRM (DDI 0484), "Instruction set summary".
 *   - A branch that is taken refills the pipeline: 2 cycles more (M0+: 1).
 *
 * Not in it: wait states and fetches of flash, store buffer stalls, the lower cost of instructions
 * that an IT block skips, early ends of divisions (8 of 2 to 12 cycles are charged).
 *
 * Arguments: core=cortex-m4, mark=ADDRESS, out=FILE. Each time the instruction at `mark` starts a
 * block, the sums so far go to FILE, which is shared memory: a header, then a ring of entries.
 *
 * The prototypes below are version 1 of the API, which QEMU 6.0 to 8.x have; no header of QEMU is
 * needed. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t qemu_plugin_id_t;
typedef void (*block_translated)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*block_executed)(unsigned int vcpu, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, block_translated callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, block_executed callback,
                                          int flags, void *data);
__attribute__((visibility("default"))) int qemu_plugin_version = 1;
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

#define MARKS 65536u
#define NO_REGISTER 31u

/* What a core's manual says, in cycles. */
typedef struct {
  const char *name;
  uint32_t load, load_behind_load, store, refill, mul, mla, mull, mlal, div, address, link;
} core_timing;

static const core_timing CORES[] = {
    {"cortex-m0plus", 2, 2, 2, 1, 1, 1, 1, 1, 1, 0, 1},
    {"cortex-m3", 2, 1, 1, 2, 1, 2, 4, 5, 8, 1, 0},
    {"cortex-m4", 2, 1, 1, 2, 1, 1, 1, 1, 8, 1, 0},
};

typedef enum { ALU, LOAD, STORE, OTHER } insn_kind;

/* One instruction: its own cycles, and what its neighbours need to know of it. */
typedef struct {
  insn_kind kind;
  uint32_t cycles, result, base, index;
} insn_cost;

typedef struct {
  uint64_t start, end, instructions, cycles;
} block;

typedef struct {
  uint64_t instructions, cycles;
} mark;

typedef struct {
  uint64_t magic, count, capacity, unused;
  mark marks[MARKS];
} report;

static const core_timing *core;
static uint64_t mark_address;
static report *out;
static mark total;
static const block *before;

static insn_cost simple(insn_kind kind, uint32_t cycles, uint32_t result) {
  const insn_cost cost = {kind, cycles, result, NO_REGISTER, NO_REGISTER};
  return cost;
}

static insn_cost transfer(int is_load, uint32_t data, uint32_t base, uint32_t index) {
  insn_cost cost = simple(is_load ? LOAD : STORE, is_load ? core->load : core->store, NO_REGISTER);
  if (is_load) cost.result = data;
  cost.base = base;
  cost.index = index;
  return cost;
}

static uint32_t ones(uint32_t bits) {
  return (uint32_t)__builtin_popcount(bits);
}

/* LDM, STM, PUSH, POP, VLDM, VSTM: one cycle and one for each register. */
static insn_cost several(uint32_t count, uint32_t base) {
  insn_cost cost = simple(OTHER, 1u + count, NO_REGISTER);
  cost.base = base;
  return cost;
}

static insn_cost misc_16(uint32_t op) {
  if ((op & 0xFF00u) == 0xB000u) return simple(ALU, 1, 13);
  if ((op & 0xFE00u) == 0xB400u) return several(ones(op & 0x1FFu), NO_REGISTER);
  if ((op & 0xFE00u) == 0xBC00u) return several(ones(op & 0x1FFu), NO_REGISTER);
  if ((op & 0xFF00u) == 0xB200u || (op & 0xFF00u) == 0xBA00u) return simple(ALU, 1, op & 7u);
  return simple(OTHER, 1, NO_REGISTER); /* CBZ, IT, hints, CPS */
}

static insn_cost data_16(uint32_t op) {
  const uint32_t high = (op & 7u) | ((op >> 4) & 8u);
  if ((op & 0xFC00u) == 0x4000u) {
    const uint32_t what = (op >> 6) & 15u;
    const int compares = what == 8u || what == 10u || what == 11u;
    return simple(ALU, what == 13u ? core->mul : 1u, compares ? NO_REGISTER : op & 7u);
  }
  if ((op & 0xFF00u) == 0x4700u) return simple(OTHER, 1, NO_REGISTER); /* BX, BLX */
  if ((op & 0xFF00u) == 0x4500u) return simple(ALU, 1, NO_REGISTER);
  if ((op & 0xFC00u) == 0x4400u) return simple(ALU, 1, high);
  return transfer(1, (op >> 8) & 7u, NO_REGISTER, NO_REGISTER); /* literal */
}

static insn_cost cost_16(uint32_t op) {
  switch (op >> 12) {
    case 0x0:
    case 0x1:
      return simple(ALU, 1, op & 7u);
    case 0x2: /* MOV and CMP of an immediate */
      return simple(ALU, 1, op & 0x800u ? NO_REGISTER : (op >> 8) & 7u);
    case 0x3:
      return simple(ALU, 1, (op >> 8) & 7u);
    case 0x4:
      return data_16(op);
    case 0x5:
      return transfer(((op >> 9) & 7u) >= 3u, op & 7u, (op >> 3) & 7u, (op >> 6) & 7u);
    case 0x6:
    case 0x7:
    case 0x8:
      return transfer((op & 0x800u) != 0, op & 7u, (op >> 3) & 7u, NO_REGISTER);
    case 0x9:
      return transfer((op & 0x800u) != 0, (op >> 8) & 7u, 13, NO_REGISTER);
    case 0xA:
      return simple(ALU, 1, (op >> 8) & 7u);
    case 0xB:
      return misc_16(op);
    case 0xC:
      return several(ones(op & 0xFFu), (op >> 8) & 7u);
    default:
      return simple(OTHER, 1, NO_REGISTER); /* branches */
  }
}

static insn_cost floating(uint32_t a, uint32_t b) {
  if ((a & 0xFFE0u) == 0xEC40u) return simple(OTHER, 2, NO_REGISTER); /* VMOV of two */
  if ((a & 0xFE00u) == 0xEC00u) {
    const uint32_t words = ((b >> 8) & 15u) == 11u ? 2u : 1u;
    const int one = (a & 0x0120u) == 0x0100u;
    return several(one ? words : b & 0xFFu, a & 15u);
  }
  if ((a & 0xFF00u) != 0xEE00u) return simple(OTHER, 1, NO_REGISTER);
  if (b & 0x10u) return simple(ALU, 1, a & 0x10u ? b >> 12 : NO_REGISTER); /* VMOV of one */
  const uint32_t what = a & 0xB0u;
  const int root = what == 0xB0u && (a & 15u) == 1u && (b & 0xC0u) == 0xC0u;
  if (root || what == 0x80u) return simple(OTHER, 14, NO_REGISTER);
  return simple(OTHER, what <= 0x10u || what == 0x90u || what == 0xA0u ? 3 : 1, NO_REGISTER);
}

/* 0xE8.., 0xE9..: multiples, pairs, table branches; 0xEA.., 0xEB..: shifted registers. */
static insn_cost cost_e8(uint32_t a, uint32_t b) {
  if (a & 0x0200u) {
    const uint32_t result = (b >> 8) & 15u;
    return simple(ALU, 1, result == 15u ? NO_REGISTER : result);
  }
  if (!(a & 0x0040u)) return several(ones(b), a & 15u);
  if ((a & 0xFFF0u) == 0xE8D0u && (b & 0xFFE0u) == 0xF000u) return simple(OTHER, 2, NO_REGISTER);
  if ((a & 0xFF60u) == 0xE840u) return transfer((a & 0x10u) != 0, b >> 12, a & 15u, NO_REGISTER);
  return several(2, a & 15u);
}

static insn_cost multiply(uint32_t a, uint32_t b) {
  const uint32_t what = (a >> 4) & 15u, result = (b >> 8) & 15u;
  if (what < 8u) return simple(ALU, b >> 12 == 15u ? core->mul : core->mla, result);
  if (what == 9u || what == 11u) return simple(ALU, core->div, result);
  return simple(ALU, what >= 12u ? core->mlal : core->mull, result);
}

/* 0xF8.. to 0xFB..: single loads and stores, data processing, multiplications. */
static insn_cost cost_f8(uint32_t a, uint32_t b) {
  if ((a & 0xFF80u) == 0xFB00u || (a & 0xFF80u) == 0xFB80u) return multiply(a, b);
  if (a & 0x0200u) return simple(ALU, 1, (b >> 8) & 15u);
  const int by_register = !(a & 0x0080u) && !(b & 0x0FC0u) && (a & 15u) != 15u;
  const uint32_t base = (a & 15u) == 15u ? NO_REGISTER : a & 15u;
  return transfer((a & 0x10u) != 0, b >> 12, base, by_register ? b & 15u : NO_REGISTER);
}

static insn_cost cost_32(uint32_t a, uint32_t b) {
  if ((a & 0xEC00u) == 0xEC00u) return floating(a & 0xEFFFu, b);
  if ((a & 0xF800u) == 0xE800u) return cost_e8(a, b);
  if ((a & 0xF800u) == 0xF800u) return cost_f8(a, b);
  if (!(b & 0x8000u)) { /* an immediate: ALU, or a comparison with no result */
    const uint32_t result = (b >> 8) & 15u;
    return simple(ALU, 1, result == 15u ? NO_REGISTER : result);
  }
  const int links = (b & 0xD000u) == 0xD000u;
  const int control = !(b & 0x5000u) && (a & 0x0380u) == 0x0380u; /* MSR, MRS, barriers */
  return simple(OTHER, control ? 2u : 1u + (links ? core->link : 0u), NO_REGISTER);
}

static insn_cost cost_of(const struct qemu_plugin_insn *insn) {
  uint16_t halves[2] = {0, 0};
  const size_t size = qemu_plugin_insn_size(insn);
  memcpy(halves, qemu_plugin_insn_data(insn), size < 4 ? 2 : 4);
  return size < 4 ? cost_16(halves[0]) : cost_32(halves[0], halves[1]);
}

static int addresses_by(const insn_cost *cost, uint32_t result) {
  return result != NO_REGISTER && (cost->base == result || cost->index == result);
}

/* Cycles of an instruction behind another. */
static uint32_t behind(const insn_cost *cost, const insn_cost *last) {
  const int needs_it = addresses_by(cost, last->result);
  if (cost->kind == LOAD && last->kind == LOAD && !needs_it) return core->load_behind_load;
  return cost->cycles + (last->kind == ALU && needs_it ? core->address : 0u);
}

static void executed(unsigned int vcpu, void *data) {
  const block *now = (const block *)data;
  (void)vcpu;
  if (before != NULL && before->end != now->start) total.cycles += core->refill;
  before = now;
  if (now->start == mark_address) {
    out->marks[out->count % MARKS] = total;
    __atomic_store_n(&out->count, out->count + 1u, __ATOMIC_RELEASE);
  }
  total.instructions += now->instructions;
  total.cycles += now->cycles;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
  const size_t count = qemu_plugin_tb_n_insns(tb);
  block *made = (block *)calloc(1, sizeof *made);
  insn_cost last = simple(OTHER, 0, NO_REGISTER);
  (void)id;
  if (made == NULL) abort();
  made->start = qemu_plugin_tb_vaddr(tb);
  made->end = made->start;
  made->instructions = count;
  for (size_t i = 0; i < count; ++i) {
    const struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    const insn_cost cost = cost_of(insn);
    made->cycles += behind(&cost, &last);
    made->end += qemu_plugin_insn_size(insn);
    last = cost;
  }
  qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, 0, made);
}

static const char *value_of(const char *key, int argc, char **argv) {
  const size_t length = strlen(key);
  for (int i = 0; i < argc; ++i) {
    if (strncmp(argv[i], key, length) == 0 && argv[i][length] == '=') return argv[i] + length + 1;
  }
  return "";
}

static report *shared_report(const char *path) {
  const int file = open(path, O_RDWR | O_CREAT, 0600);
  if (file < 0 || ftruncate(file, sizeof(report)) != 0) return NULL;
  void *memory = mmap(NULL, sizeof(report), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  return memory == MAP_FAILED ? NULL : (report *)memory;
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id,
                                                               const void *info, int argc,
                                                               char **argv) {
  (void)info;
  for (size_t i = 0; i < sizeof CORES / sizeof *CORES; ++i) {
    if (strcmp(CORES[i].name, value_of("core", argc, argv)) == 0) core = CORES + i;
  }
  mark_address = strtoull(value_of("mark", argc, argv), NULL, 0);
  out = shared_report(value_of("out", argc, argv));
  if (core == NULL || out == NULL) {
    fprintf(stderr, "ek_cycles: unknown core or unwritable file\n");
    return 1;
  }
  out->capacity = MARKS;
  out->magic = 0x656B6379636C6573u;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  return 0;
}
