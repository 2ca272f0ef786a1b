# SPDX-License-Identifier: Apache-2.0
# Finds TFLite Micro as it lies in TFLM_DIR: a source tree that its own Makefile has built, or a
# folder with headers (include/ or src/) and a library, as vendors' SDKs have it.
#
# In:  TFLM_DIR (variable or environment), TFLM_CORE (of the board), and to override what is found
#      TFLM_LIBRARY; TFLM_EXTRA_LIBRARIES where CMSIS-NN lies in a library of its own.
# Out: the target TFLM::tflm, TFLM_VERSION, TFLM_KERNELS ("reference" or "cmsis-nn").

if(NOT TFLM_DIR)
  set(TFLM_DIR "$ENV{TFLM_DIR}")
endif()
if(NOT TFLM_DIR OR NOT IS_DIRECTORY "${TFLM_DIR}")
  message(FATAL_ERROR "TFLM_DIR is '${TFLM_DIR}', not a folder: give -DTFLM_DIR=FOLDER with the "
                      "headers and the static library of TFLite Micro")
endif()

set(_downloads tensorflow/lite/micro/tools/make/downloads)
function(_tflm_header variable header)
  find_path(${variable} ${header} NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH
    PATHS "${TFLM_DIR}" PATH_SUFFIXES . include src ${ARGN})
endfunction()
_tflm_header(TFLM_INCLUDE_DIR tensorflow/lite/micro/micro_interpreter.h)
_tflm_header(TFLM_FLATBUFFERS_DIR flatbuffers/flatbuffers.h ${_downloads}/flatbuffers/include
  third_party/flatbuffers/include third_party_static/flatbuffers/include
  src/third_party/flatbuffers/include)
_tflm_header(TFLM_GEMMLOWP_DIR fixedpoint/fixedpoint.h ${_downloads}/gemmlowp
  third_party/gemmlowp third_party_static/gemmlowp src/third_party/gemmlowp)
_tflm_header(TFLM_RUY_DIR ruy/profiler/instrumentation.h ${_downloads}/ruy
  third_party/ruy third_party_static/ruy src/third_party/ruy)

# The library that fits the core, where TFLM's own build has left several.
set(_order v6S-M v6-M v8-M.baseline v7 v7E-M v8-M.mainline v8.1-M.mainline)
set(_arch_cortex-m0 v6S-M)
set(_arch_cortex-m0plus v6S-M)
set(_arch_cortex-m3 v7)
set(_arch_cortex-m4 v7E-M)
set(_arch_cortex-m7 v7E-M)
set(_arch_cortex-m33 v8-M.mainline)
set(_arch_cortex-m55 v8.1-M.mainline)
set(_arch_cortex-m85 v8.1-M.mainline)
set(_core_arch "${_arch_${TFLM_CORE}}")

function(_tflm_read library)
  execute_process(COMMAND ${CMAKE_READELF} -A "${library}" OUTPUT_VARIABLE text ERROR_QUIET)
  string(REGEX MATCHALL "Tag_CPU_arch: [^\n]+" found "${text}")
  list(REMOVE_DUPLICATES found)
  string(REPLACE "Tag_CPU_arch: " "" found "${found}")
  set(arch "")
  set(fits YES)
  list(FIND _order "${_core_arch}" most)
  foreach(one IN LISTS found)
    list(FIND _order "${one}" rank)
    set(arch "${one}")
    if(rank GREATER most)
      set(fits NO)
    endif()
  endforeach()
  if(NOT arch AND _core_arch)
    set(fits NO)
  endif()
  execute_process(COMMAND ${CMAKE_NM} "${library}" OUTPUT_VARIABLE symbols ERROR_QUIET)
  set(kernels reference)
  if(symbols MATCHES "U arm_[a-z0-9_]+_s8")
    set(kernels cmsis-nn)
  endif()
  set(_has_cmsis NO)
  if(symbols MATCHES "T arm_[a-z0-9_]+_s8")
    set(_has_cmsis YES)
  endif()
  set(_has_log NO)
  if(symbols MATCHES "T _?MicroPrintf|T _Z11MicroPrintfPKcz")
    set(_has_log YES)
  endif()
  foreach(name arch fits kernels _has_cmsis _has_log)
    set(_tflm_${name} "${${name}}" PARENT_SCOPE)
  endforeach()
endfunction()

if(NOT TFLM_LIBRARY)
  file(GLOB _libraries
    "${TFLM_DIR}/gen/*/lib/libtensorflow-microlite.a" "${TFLM_DIR}/lib*/*.a" "${TFLM_DIR}/*.a")
  foreach(_library IN LISTS _libraries)
    _tflm_read("${_library}")
    if(_tflm_fits AND (NOT TFLM_LIBRARY OR _tflm_kernels STREQUAL "cmsis-nn"))
      set(TFLM_LIBRARY "${_library}")
    endif()
  endforeach()
endif()

set(_missing "")
if(NOT TFLM_INCLUDE_DIR)
  list(APPEND _missing "tensorflow/lite/micro/micro_interpreter.h")
endif()
if(NOT TFLM_FLATBUFFERS_DIR)
  list(APPEND _missing "flatbuffers/flatbuffers.h")
endif()
if(NOT TFLM_GEMMLOWP_DIR)
  list(APPEND _missing "gemmlowp's fixedpoint/fixedpoint.h")
endif()
if(NOT TFLM_LIBRARY)
  list(APPEND _missing "a static library for ${TFLM_CORE}")
  if(_libraries)
    list(APPEND _missing "only ${_libraries} of another core")
  endif()
endif()
if(_missing)
  string(REPLACE ";" ", " _missing "${_missing}")
  message(FATAL_ERROR "TFLM_DIR '${TFLM_DIR}' lacks: ${_missing}")
endif()

file(READ "${TFLM_INCLUDE_DIR}/tensorflow/lite/micro/micro_interpreter.h" _text)
if(_text MATCHES "ErrorReporter ?\\* ?error_reporter")
  message(FATAL_ERROR "the TFLite Micro in '${TFLM_DIR}' is too old: its interpreter still takes "
                      "an ErrorReporter; take one of 2023 or later")
endif()

_tflm_read("${TFLM_LIBRARY}")
if(NOT _tflm_fits)
  message(FATAL_ERROR "'${TFLM_LIBRARY}' is for ${_tflm_arch}, and ${TFLM_CORE} is ${_core_arch}: "
                      "build TFLite Micro for this core")
endif()
set(TFLM_KERNELS ${_tflm_kernels})
if(TFLM_KERNELS STREQUAL "cmsis-nn" AND NOT _tflm__has_cmsis AND NOT TFLM_EXTRA_LIBRARIES)
  message(FATAL_ERROR "'${TFLM_LIBRARY}' calls CMSIS-NN and does not hold it: "
                      "give -DTFLM_EXTRA_LIBRARIES=libcmsis-nn.a")
endif()

if(NOT DEFINED TFLM_VERSION)
  set(TFLM_VERSION "")
  if(EXISTS "${TFLM_DIR}/.git")
    execute_process(COMMAND git -C "${TFLM_DIR}" rev-parse --short=12 HEAD
      OUTPUT_VARIABLE TFLM_VERSION OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()

message(STATUS "TFLite Micro ${TFLM_VERSION}: ${TFLM_LIBRARY}, ${TFLM_KERNELS} kernels")
if(TFLM_KERNELS STREQUAL "reference" AND _core_arch)
  message(WARNING "this TFLite Micro has no optimised kernels: published figures put reference "
                  "kernels at 2 to 7 times slower; build it with OPTIMIZED_KERNEL_DIR=cmsis_nn")
endif()

add_library(TFLM::tflm STATIC IMPORTED)
set_target_properties(TFLM::tflm PROPERTIES IMPORTED_LOCATION "${TFLM_LIBRARY}")
set(_includes "${TFLM_INCLUDE_DIR}" "${TFLM_FLATBUFFERS_DIR}" "${TFLM_GEMMLOWP_DIR}")
if(TFLM_RUY_DIR)
  list(APPEND _includes "${TFLM_RUY_DIR}")
endif()
target_include_directories(TFLM::tflm SYSTEM INTERFACE ${_includes})
target_link_libraries(TFLM::tflm INTERFACE ${TFLM_EXTRA_LIBRARIES})
# As TFLM's own release build has them: the first one changes the layout of its structures, the
# second one keeps asserts, and with them printf, out.
target_compile_definitions(TFLM::tflm INTERFACE TF_LITE_STATIC_MEMORY NDEBUG
  $<$<NOT:$<BOOL:${_tflm__has_log}>>:TF_LITE_STRIP_ERROR_STRINGS>)
set(TFLM_FOUND TRUE)
