"""What the agent writes for Envoy, read as Envoy's published protos say: no unknown field, no unknown word of
an enumeration, no wrong type, and none of their own rules broken. Envoy itself is not at hand.

    protos_test.py SAMPLES [unittest's arguments]      SAMPLES is the program of samples.cpp
"""

import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import protos
import yaml

RESPONSE = "envoy.service.discovery.v3.DiscoveryResponse"
BOOTSTRAP = "envoy.config.bootstrap.v3.Bootstrap"
DOCUMENT = Path(__file__).resolve().parents[3] / "docs/agent-nginx-envoy.md"


class EnvoyFiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.protos = protos.Protos()
        cls.files = {}
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([cls.samples, folder], check=True)
            for path in sorted(Path(folder).rglob("*.json")):
                cls.files[str(path.relative_to(folder))] = path.read_text()

    def test_are_what_the_protos_say(self):
        self.assertGreaterEqual(len(self.files), 20)
        for name, text in self.files.items():
            with self.subTest(name):
                response = self.protos.read(RESPONSE, text)
                self.assertEqual(len(response.resources), 1)
                self.assertEqual(response.resources[0].type_url, response.type_url)
                self.assertTrue(response.version_info)

    def spoiled(self, name, spoil):
        document = json.loads(self.files[name])
        spoil(document["resources"][0])
        return json.dumps(document)

    def test_with_a_mistake_would_be_found_out(self):
        def server(resource):
            return resource["endpoints"][0]["lb_endpoints"][0]

        clusters, endpoints = "full/clusters.json", "full/endpoints/web.json"
        mistakes = {
            "unknown field": (clusters, lambda r: r.update(lb_polizy="MAGLEV"), 'no field named "lb_polizy"'),
            "unknown word": (clusters, lambda r: r.update(lb_policy="MAGLEFF"), "Invalid enum value MAGLEFF"),
            "field of another message": (clusters, lambda r: r["common_lb_config"].update(choice_count=2),
                                         "no field named"),
            "unit": (clusters, lambda r: r.update(connect_timeout="5"), "must end with letter"),
            "no name": (clusters, lambda r: r.pop("name"), "Cluster.name is too short"),
            "no time": (clusters, lambda r: r.update(connect_timeout="0s"), "Cluster.connect_timeout must be gt"),
            "one choice": ("algorithm-2/clusters.json",
                           lambda r: r["least_request_lb_config"].update(choice_count=1), "must be gte 2"),
            "percentage": (clusters,
                           lambda r: r["common_lb_config"].update(healthy_panic_threshold={"value": 101}),
                           "must be lte 100"),
            "type": (clusters, lambda r: r.update({"@type": "type.googleapis.com/envoy.Cluster"}), "Can not find"),
            "health": (endpoints, lambda r: server(r).update(health_status="UP"), "Invalid enum value UP"),
            "weight": (endpoints, lambda r: server(r).update(load_balancing_weight=0), "must be gte 1"),
            "weight of a wrong type": (endpoints, lambda r: server(r).update(load_balancing_weight="many"),
                                       "load_balancing_weight"),
            "port": (endpoints,
                     lambda r: server(r)["endpoint"]["address"]["socket_address"].update(port_value=65536),
                     "must be lte 65535"),
            "no address": (endpoints, lambda r: server(r)["endpoint"]["address"]["socket_address"].pop("address"),
                           "SocketAddress.address is too short"),
        }
        for name, (file, spoil, words) in mistakes.items():
            with self.subTest(name):
                with self.assertRaisesRegex(protos.Refused, words):
                    self.protos.read(RESPONSE, self.spoiled(file, spoil))

    def test_are_what_the_documented_bootstrap_names(self):
        [text] = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
        bootstrap = self.protos.read(BOOTSTRAP, json.dumps(yaml.safe_load(text)))
        clusters = Path(bootstrap.dynamic_resources.cds_config.path_config_source.path)
        response = json.loads(self.files["full/clusters.json"])
        source = response["resources"][0]["eds_cluster_config"]["eds_config"]["path_config_source"]
        self.assertEqual(Path(source["path"]).parent.parent, clusters.parent)


if __name__ == "__main__":
    EnvoyFiles.samples = sys.argv.pop(1)
    unittest.main()
