/* SPDX-License-Identifier: Apache-2.0 */
/* tiny on Arduino Nano 33 BLE, also Sense and Sense Rev2: the app and the model lie in this library's src/. */
#include <Chirale_TensorFlowLite.h> // first: it puts TFLite Micro on the include path
#include <ek_app.h>

void setup() {
  ek_app_start();
}

void loop() {
  ek_app_serve();
}
