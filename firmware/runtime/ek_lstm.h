/* SPDX-License-Identifier: Apache-2.0 */
/* UNIDIRECTIONAL_SEQUENCE_LSTM: int8 in and out, int8 weights, int16 cells.
 *
 * Every inference begins with states of 0. The hidden state of a step is the output of the step
 * before, so that it needs no memory of its own.
 */
#ifndef EK_LSTM_H
#define EK_LSTM_H

#include "ek_curve16.h"
#include "ek_dot.h"

/* Cells are 2^power: `tanh_multiplier` and `tanh_shift` bring one to the table's steps. */
typedef struct {
  int32_t batches, steps, inputs, units, tanh_multiplier, tanh_shift;
} ek_lstm_params;

/* What brings the two products of a gate to 1/4096 steps. */
typedef struct {
  int32_t in_multiplier, in_shift, state_multiplier, state_shift;
} ek_lstm_gate;

typedef struct {
  int32_t zero_point; /* of the output */
  int32_t clip;       /* of a cell; 0 for none */
  int32_t keep_multiplier, keep_shift, add_multiplier, add_shift, out_multiplier, out_shift;
} ek_lstm_quant;

/* Everything that does not change from step to step. Weights of one unit: the four gates (input,
 * forget, cell, output) abreast; `biases` of one: four for the inputs, four for the state. */
typedef struct {
  const int8_t *in_weights, *state_weights;
  const int32_t *biases;
  const ek_lstm_gate *gates;
  const ek_lstm_quant *quant;
  const int16_t *half;
} ek_lstm_layer;

EK_KERNEL int32_t ek_int16(int32_t x) {
  return ek_clamp(x, INT16_MIN, INT16_MAX);
}

EK_KERNEL void ek_lstm_gates(const ek_lstm_params *p, const ek_lstm_layer *layer, int32_t unit,
                             const int8_t *in, const int8_t *state, int32_t gates[4]) {
  const int32_t *bias = layer->biases + unit * 8;
  int32_t a[4] = {bias[0], bias[1], bias[2], bias[3]};
  int32_t b[4] = {bias[4], bias[5], bias[6], bias[7]};
  ek_dot_4(a, in, layer->in_weights + unit * p->inputs * 4, p->inputs, 0);
  ek_dot_4(b, state, layer->state_weights + unit * p->units * 4, p->units, 0);
  for (int32_t i = 0; i < 4; ++i) {
    const ek_lstm_gate *gate = layer->gates + i;
    gates[i] = ek_int16(ek_int16(ek_scale(a[i], gate->in_multiplier, gate->in_shift)) +
                        ek_int16(ek_scale(b[i], gate->state_multiplier, gate->state_shift)));
  }
}

/* One step of one unit: its new hidden state, `cell` updated. */
EK_KERNEL int32_t ek_lstm_unit(const ek_lstm_params *p, const ek_lstm_layer *layer,
                               const int32_t gates[4], int16_t *cell) {
  const ek_lstm_quant *quant = layer->quant;
  const int32_t taken = ek_logistic16(layer->half, gates[0]);
  const int32_t kept = ek_logistic16(layer->half, gates[1]);
  const int32_t candidate = ek_tanh16(layer->half, 3 * gates[2]);
  const int32_t given = ek_logistic16(layer->half, gates[3]);
  const int32_t old = ek_int16(ek_scale(kept * *cell, quant->keep_multiplier, quant->keep_shift));
  const int32_t fresh =
      ek_int16(ek_scale(taken * candidate, quant->add_multiplier, quant->add_shift));
  int32_t now = ek_int16(old + fresh);
  if (quant->clip > 0) now = ek_clamp(now, -quant->clip, quant->clip);
  *cell = (int16_t)now;
  const int32_t half_step = p->tanh_shift > 0 ? (int32_t)1 << (p->tanh_shift - 1) : 0;
  const int32_t x = (now * p->tanh_multiplier + half_step) >> p->tanh_shift;
  const int32_t shown = ek_tanh16(layer->half, x) * given;
  return ek_scale(shown, quant->out_multiplier, quant->out_shift) + quant->zero_point;
}

/* `scratch`: a cell and a first hidden state per unit. */
EK_KERNEL void ek_lstm(const ek_lstm_params *p, const int8_t *in, int8_t *out,
                       const int8_t *in_weights, const int8_t *state_weights, const int32_t *biases,
                       const ek_lstm_gate *gates, const ek_lstm_quant *quant, const int16_t *half,
                       void *scratch) {
  const ek_lstm_layer layer = {in_weights, state_weights, biases, gates, quant, half};
  int16_t *cells = (int16_t *)scratch;
  int8_t *first = (int8_t *)(cells + p->units);
  memset(first, quant->zero_point, (size_t)p->units);
  for (int32_t batch = 0; batch < p->batches; ++batch) {
    const int8_t *state = first;
    memset(cells, 0, (size_t)p->units * sizeof *cells);
    for (int32_t step = 0; step < p->steps; ++step, in += p->inputs) {
      for (int32_t unit = 0; unit < p->units; ++unit) {
        int32_t values[4];
        ek_lstm_gates(p, &layer, unit, in, state, values);
        out[unit] = (int8_t)ek_clamp(ek_lstm_unit(p, &layer, values, cells + unit), -128, 127);
      }
      state = out;
      out += p->units;
    }
  }
}

#endif
