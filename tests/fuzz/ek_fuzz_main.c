/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the fuzzer's one function on files, for compilers without libFuzzer. */
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int count, char **names) {
  static uint8_t data[1 << 16];
  for (int i = 1; i < count; i++) {
    FILE *file = fopen(names[i], "rb");
    if (file == NULL) return 2;
    const size_t size = fread(data, 1, sizeof data, file);
    (void)fclose(file);
    (void)LLVMFuzzerTestOneInput(data, size);
  }
  (void)printf("%d inputs\n", count - 1);
  return 0;
}
