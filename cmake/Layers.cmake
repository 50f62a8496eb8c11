# The floors of the house: which folder of src/ may include (and links) which. docs/architecture.md explains them.
# scripts/check_layers.py reads this table too, so an include that is not allowed here fails the build.
set(LAYERS base config shm wire net request service proxy runtime worker python process cli testing top)

set(LAYER_base)
set(LAYER_config base)
set(LAYER_shm base)
set(LAYER_wire base)
set(LAYER_net base config)
set(LAYER_request base config wire net)
set(LAYER_service base config shm wire net)
set(LAYER_proxy base config wire net request)
set(LAYER_runtime base config wire request service)
set(LAYER_worker base config shm wire net request service runtime)
set(LAYER_python base config wire net request service runtime)
set(LAYER_process base config shm wire net request service proxy runtime worker)
set(LAYER_cli base config shm wire net request service proxy runtime worker python process)
set(LAYER_testing base config shm wire net request service runtime worker)
set(LAYER_top base wire net)
