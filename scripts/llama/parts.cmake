# Read by CMake after each `project()` of llama.cpp's (CMAKE_PROJECT_INCLUDE); the files of llama.cpp stay as they are.
if(PROJECT_NAME STREQUAL "llama.cpp")
  # Command lines, chat parsing, an HTTP server and downloads: llama-cpp-python sets this ON, and uses nothing of it.
  set(LLAMA_BUILD_COMMON OFF)
elseif(PROJECT_NAME STREQUAL "ggml")
  # Beside -march=native, and stronger: what a safer build does without. Only ggml is compiled anew for it.
  add_compile_options(${INTENTMESH_CPU_FLAGS})
endif()
