# Build rules shared by all folders: flags in one interface target, and one function for each kind of
# target. A folder's CMakeLists.txt then only says what it is and what it uses.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_package(Python3 REQUIRED COMPONENTS Interpreter)
set_property(DIRECTORY "${CMAKE_SOURCE_DIR}" APPEND PROPERTY
    CMAKE_CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/cmake/together.py")
find_program(MUSTER_CCACHE ccache)
if(MUSTER_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${MUSTER_CCACHE}")
endif()
find_program(MUSTER_MOLD mold)
if(MUSTER_MOLD)
    add_link_options(-fuse-ld=mold)
endif()

# What the programs say they are made of.
execute_process(COMMAND git describe --always --dirty WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}"
    OUTPUT_VARIABLE MUSTER_BUILD OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)

add_library(muster_flags INTERFACE)
target_include_directories(muster_flags INTERFACE
    "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>" "$<INSTALL_INTERFACE:include/muster>")
set(muster_options
    -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-align -Wunused
    -Woverloaded-virtual -Wconversion -Wno-sign-conversion -Wdouble-promotion -Wformat=2
    -Wimplicit-fallthrough -Wno-missing-field-initializers -Wno-missing-designated-field-initializers -Werror
    -fstack-protector-strong -fPIE)
# Those who build against an installed muster have options of their own.
target_compile_options(muster_flags INTERFACE "$<BUILD_INTERFACE:${muster_options}>")
target_link_options(muster_flags INTERFACE -pie)

if(MUSTER_SANITIZE STREQUAL "address")
    # null, alignment, object-size and vptr triple the compile time of coroutine code and find little there
    # that AddressSanitizer does not (reference/ecosystem.md, 1.2).
    add_compile_options(-fsanitize=address,undefined -fno-sanitize=null,alignment,object-size,vptr
        -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
elseif(MUSTER_SANITIZE STREQUAL "thread")
    add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
    add_link_options(-fsanitize=thread)
elseif(NOT MUSTER_SANITIZE STREQUAL "")
    message(FATAL_ERROR "MUSTER_SANITIZE is '${MUSTER_SANITIZE}'; use '', 'address' or 'thread'")
endif()

# muster_together(VARIABLE SOURCES...): what is to be compiled for these sources of one target. Most of
# them share a translation unit with others, which costs a quarter (cmake/together.py says when they
# may). OFF for tools that want each by itself, and to see that each includes what it needs.
option(MUSTER_TOGETHER "Compile sources of a target together" ON)
function(muster_together variable)
    set(compiled ${ARGN})
    list(LENGTH compiled count)
    if(MUSTER_TOGETHER AND count GREATER 1)
        list(TRANSFORM compiled PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/" REGEX "^[^/]")
        string(SHA1 which "${compiled}")
        string(SUBSTRING "${which}" 0 8 which)
        execute_process(COMMAND "${Python3_EXECUTABLE}" -B "${CMAKE_SOURCE_DIR}/cmake/together.py"
            "${CMAKE_SOURCE_DIR}" "${CMAKE_CURRENT_BINARY_DIR}/together/${which}" ${compiled}
            OUTPUT_VARIABLE compiled COMMAND_ERROR_IS_FATAL ANY)
    endif()
    set(${variable} ${compiled} PARENT_SCOPE)
endfunction()

# muster_library(NAME [PUBLIC libs...] [PRIVATE libs...]): all .cpp of the calling folder except main.cpp
# and tests.
function(muster_library name)
    cmake_parse_arguments(ARG "" "" "PUBLIC;PRIVATE" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
    list(FILTER sources EXCLUDE REGEX "(/main|_test)\\.cpp$")
    muster_together(sources ${sources})
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC muster_flags ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
endfunction()

# muster_test(NAME LABEL unit|integration|sim|browser [TIMEOUT s] [SERIAL] [SHARDS n]
# [SOURCES files...] [DEPENDS targets...] LIBS libs...): one GoogleTest executable of the calling
# folder's *_test.cpp. Cases of label unit run in one process for the folder, or in as many as there
# are SHARDS; of any other label, each case becomes a ctest of its own. SERIAL: never beside another
# test. DEPENDS: programs that the test starts (built_program() of tests/support finds them). The
# target LABEL_tests builds all executables of a label.
function(muster_test name)
    cmake_parse_arguments(ARG "SERIAL" "LABEL;TIMEOUT;SHARDS" "LIBS;SOURCES;DEPENDS" ${ARGN})
    set(sources ${ARG_SOURCES})
    if(NOT sources)
        file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp")
    endif()
    if(NOT sources)
        message(STATUS "${CMAKE_CURRENT_SOURCE_DIR} has no *_test.cpp: ${name} is not built")
        return()
    endif()
    muster_together(sources ${sources})
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 120)
    endif()
    if(NOT MUSTER_SANITIZE STREQUAL "")
        math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * 4")
    endif()
    add_executable(${name} ${sources})
    target_link_libraries(${name} PRIVATE muster_flags ${ARG_LIBS} GTest::gmock GTest::gmock_main)
    set_property(GLOBAL APPEND PROPERTY MUSTER_TEST_TARGETS ${name})
    if(NOT TARGET ${ARG_LABEL}_tests)
        add_custom_target(${ARG_LABEL}_tests)
    endif()
    add_dependencies(${ARG_LABEL}_tests ${name})
    if(ARG_DEPENDS)
        add_dependencies(${name} ${ARG_DEPENDS})
    endif()
    set(serial FALSE)
    if(ARG_SERIAL)
        set(serial TRUE)
    endif()
    if(ARG_LABEL STREQUAL "unit")
        # Unit tests take milliseconds: one process for the whole folder, not one for each case. The
        # report is where tests/runner counts the cases.
        if(NOT ARG_SHARDS)
            set(ARG_SHARDS 1)
        endif()
        foreach(shard RANGE 1 ${ARG_SHARDS})
            set(test ${name})
            if(ARG_SHARDS GREATER 1)
                set(test ${name}.${shard})
            endif()
            math(EXPR index "${shard} - 1")
            add_test(NAME ${test} COMMAND ${name} --gtest_brief=1
                "--gtest_output=xml:${CMAKE_BINARY_DIR}/reports/${test}.xml")
            set_tests_properties(${test} PROPERTIES LABELS unit TIMEOUT ${ARG_TIMEOUT} RUN_SERIAL ${serial}
                ENVIRONMENT "GTEST_TOTAL_SHARDS=${ARG_SHARDS};GTEST_SHARD_INDEX=${index}")
        endforeach()
    else()
        include(GoogleTest)
        gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 30
            PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT} RUN_SERIAL ${serial})
    endif()
endfunction()
