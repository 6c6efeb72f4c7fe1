# find_package(muster): the libraries muster::musterd and muster::musterctl, each with a main(), for those who
# compile in probes of their own (examples/compiled_in).
list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")
include(MusterPackages)
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
include("${CMAKE_CURRENT_LIST_DIR}/muster-targets.cmake")
