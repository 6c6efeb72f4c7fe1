# Every library that muster uses, found once.

include(MusterPackages)

# ZooKeeper's C client ships neither pkg-config nor CMake files. Only the single-threaded library is used
# (docs/decisions/0002-single-threaded-zookeeper-client.md).
find_path(ZOOKEEPER_INCLUDE zookeeper/zookeeper.h REQUIRED)
find_library(ZOOKEEPER_ST zookeeper_st REQUIRED)
add_library(zookeeper_st INTERFACE)
target_include_directories(zookeeper_st SYSTEM INTERFACE "${ZOOKEEPER_INCLUDE}")
target_link_libraries(zookeeper_st INTERFACE "${ZOOKEEPER_ST}")

if(MUSTER_TESTS)
    find_package(GTest CONFIG REQUIRED)
    find_package(benchmark CONFIG REQUIRED)
endif()

# Asio is compiled once, here. The definitions are an ODR switch: they reach every user of net.
add_library(muster_net STATIC "${CMAKE_SOURCE_DIR}/common/net/asio.cpp")
target_compile_definitions(muster_net PUBLIC BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
target_compile_options(muster_net PRIVATE -w)
target_link_libraries(muster_net PUBLIC Boost::headers OpenSSL::SSL Threads::Threads)
