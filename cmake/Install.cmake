# `cmake --install`: the programs, and what others need to build their own ones with probes compiled in.
include(GNUInstallDirs)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/muster")

set_target_properties(muster_musterd PROPERTIES EXPORT_NAME musterd)
set_target_properties(muster_musterctl PROPERTIES EXPORT_NAME musterctl)
install(TARGETS musterd musterctl muster-agent)
install(TARGETS
    muster_flags muster_net zookeeper_st muster_base muster_config muster_znodes muster_coordination
    muster_follow muster_http muster_observe muster_checker muster_dnsupdate muster_dashboard
    muster_orchestrator muster_scaler
    muster_ctl muster_musterd muster_musterctl
    EXPORT muster)
install(EXPORT muster NAMESPACE muster:: FILE muster-targets.cmake DESTINATION "${package_dir}")
install(FILES cmake/muster-config.cmake cmake/MusterPackages.cmake DESTINATION "${package_dir}")
install(DIRECTORY checker common DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/muster" FILES_MATCHING PATTERN "*.hpp")
