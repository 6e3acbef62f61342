"""Every row of docs/threats.md by name, and the tests that show what a party does about it."""

import ast
import io
import os
import pickle
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from threats_of_collections import OF_COLLECTIONS

from ostraka import strict_json
from ostraka.errors import InputError, PeerViolation
from ostraka.inputs.reading import parse_input
from ostraka.manifest import InputSchema, IntType
from ostraka.record.journal_entries import decode as decode_entry
from ostraka.wire.messages import decode

TOP = Path(__file__).resolve().parents[1]
PAGE = TOP / "docs" / "threats.md"

ATTACKS = {
    "split worlds": (
        "integration/test_faults.py::test_one_byte_of_one_manifest",
        "integration/test_links.py::test_an_edited_manifest_at_a_party_that_only_contributes",
        "session/test_session.py::test_two_manifests_end_everybody_that_is_told",
        "faults/test_relayers.py::test_an_edited_manifest_ends_all",
        "session/test_introductions.py::test_an_id_is_of_one_manifest",
    ),
    "one member poses as another": (
        "integration/test_faults.py::test_somebody_else_answers_at_an_address",
        "transport/test_tls.py::test_a_copied_certificate_without_its_key_opens_nothing",
        "transport/test_tls.py::test_the_server_refuses_another_key",
    ),
    "the relay hands out its own keys": (
        "integration/test_faults.py::test_another_coordinator_answers",
        "faults/test_coordinator.py::test_lies_about_who_is_there",
    ),
    **OF_COLLECTIONS,
    "a recorded session is played again": (
        "faults/test_relayers.py::test_words_of_an_earlier_session",
        "session/test_introductions.py::test_a_replayed_hello_gives_another_session_and_no_share",
        "transport/test_tls.py::test_tampering_with_the_handshake_opens_nothing",
    ),
    "messages dropped, duplicated, reordered or swapped between parties by the relay": (
        "faults/test_coordinator.py::test_one_lie_at_any_moment",
        "faults/test_coordinator.py::test_two_rooms_for_one_session",
        "transport/test_tls.py::test_tampering_ends_the_link_and_gives_no_wrong_data",
    ),
    "a message of another step, type, length or element type": (
        "faults/test_peers.py::test_a_message_that_is_not_what_was_due",
        "session/test_session.py::test_bytes_that_are_no_vector_name_their_sender",
        "wire/test_vectors.py::test_anything_else_is_a_violation",
    ),
    "oversized, deeply nested or non-canonical messages": (
        "wire/test_messages.py::test_bad_encodings",
        "wire/test_frames.py::test_headers_up_to_the_limit",
        "fuzz/test_targets.py::test_bytes_are_read_or_refused",
    ),
    "code in a payload": (
        "test_threats.py::test_a_pickle_runs_nothing",
        "test_threats.py::test_no_module_can_unpickle_or_evaluate",
    ),
    "slow peers, half-open links, handshake floods": (
        "faults/test_floods.py::test_sockets_without_a_key",
        "faults/test_floods.py::test_rooms_of_one_host",
        "coordinator/test_server.py::test_a_handshake_that_takes_too_long_is_cut",
        "coordinator/test_server.py::test_a_first_frame_that_takes_too_long_is_cut",
        "transport/test_doorman.py::test_a_flood_never_costs_a_party_its_place",
        "session/test_session.py::test_whoever_is_silent_is_lost_after_the_timeout",
    ),
    "a room of a session filled by made-up keys": (
        "faults/test_floods.py::test_made_up_keys_in_a_room_whose_name_anybody_can_compute",
        "coordinator/test_admission.py::test_made_up_keys_of_one_host_keep_no_party_out_of_a_room",
    ),
    "degenerate parameters": (
        "test_manifest.py::test_one_mistake_is_named_with_its_line",
        "test_manifest.py::test_one_compute_party_is_refused",
    ),
    "an input that is blank, not a number, out of bounds or would overflow": (
        "integration/test_faults.py::test_bad_input_is_refused_before_anybody_is_contacted",
        "inputs/test_encoding.py::test_bad_values_are_refused_and_nothing_is_sent",
    ),
    "a party that goes missing": (
        "integration/test_faults.py::test_a_party_dies_and_additive_sharing_stops",
        "integration/test_faults.py::test_a_party_dies_and_shamir_sharing_goes_on",
        "integration/test_faults.py::test_too_few_are_left_for_shamir",
    ),
    "a run that goes on without a party that refused": (
        "protocols/test_refusals.py::test_whoever_refuses_is_in_no_result",
        "delivery/test_agree.py::test_no_set_is_opened_without_the_consent_of_all_whose_input_is_in_it",
    ),
    "who is counted changes after shares have left": (
        "integration/test_ledger.py::test_a_ballot_spoilt_on_purpose_does_not_make_a_difference_that_a_ledger_refuses",
        "protocols/test_refusals.py::test_a_refusal_of_those_who_are_left_stops_all",
    ),
    'wrong shares and wrong products, with `security = "active"`': (
        "protocols/test_active.py::test_a_lying_compute_party_stops_a_run_at_most",
        "protocols/test_active.py::test_whether_and_why_a_run_stops_tells_a_liar_nothing",
        "protocols/test_active.py::test_lies_about_the_result_are_corrected_and_their_tellers_named",
    ),
    'wrong shares of a sum, with `security = "active"`': (
        "protocols/test_active.py::test_sums_need_honest_shares_enough_to_determine_them",
        "protocols/test_active.py::test_no_two_sums_are_opened_whatever_a_liar_says_about_whom_it_holds",
        "faults/test_peers.py::test_a_share_of_the_result_that_contradicts_the_others",
    ),
    "a contributor that shares a number out of bounds": (
        "protocols/test_checked_sum.py::test_any_row_counts_exactly_if_it_is_valid",
        "protocols/test_checked_sum.py::test_every_form_tells_valid_rows_from_others",
        "protocols/test_checked_sum.py::test_over_tls",
        "protocols/test_tally.py::test_many_ballots_are_checked_alike",
    ),
    "a compute party that makes an honest input look invalid": (
        "protocols/test_checked_sum.py::test_a_liar_neither_hides_an_invalid_row_nor_makes_one",
    ),
    "a contributor whose shares contradict each other": (
        "protocols/test_checked_sum.py::test_shares_of_no_polynomial_do_no_harm",
        "protocols/test_checked_sum.py::test_shares_of_no_polynomial_stop_an_active_run",
        "protocols/test_checked_collection.py::test_reports_that_contradict_themselves_are_left_out_of_a_collection",
        "protocols/test_checked_collection.py::test_too_many_contradictions_stop_a_collection_and_name_no_party",
    ),
    "an answer that betrays a contributor by itself": (
        "integration/test_table.py::test_a_total_that_would_betray_somebody_is_never_opened",
        "protocols/test_table.py::test_dominance",
        "protocols/test_table.py::test_nothing_withheld_is_opened",
    ),
    "a total minus the cells that are given": (
        "integration/test_table.py::test_a_withheld_cell_is_absent",
        "protocols/test_table.py::test_no_sum_of_withheld_figures_that_follows_betrays_anybody",
    ),
    "two answers compared": (
        "integration/test_ledger.py::test_a_run_without_one_of_the_last_s_contributors_is_refused_by_all",
        "record/test_ledger.py::test_runs_are_refused_that_tell_too_much_only_in_combination",
    ),
    "many answers about the same people": (
        "integration/test_ledger.py::test_a_composition_runs_out_of_budget_at_exactly_the_right_run",
        "record/test_ledger.py::test_two_processes_at_once_do_not_spend_more_than_the_budget",
    ),
    "an abort, and another try, as an oracle": (
        "record/test_ledger.py::test_a_run_that_was_only_reserved_counts",
        "test_booking.py::test_a_refusal_after_shares_left_is_held_and_stops_everybody",
        "test_booking.py::test_shares_of_shamir_that_left_are_held_as_others_may_go_on",
    ),
    "a crash, a kill or a signal to burn a party's budget": (
        "integration/test_endings.py::test_a_signal_tells_the_peers_and_settles_the_run",
        "integration/test_resume.py::test_all_parties_are_killed_and_run_again",
        "faults/test_lives.py::test_parties_killed_at_any_callback_come_to_the_same_answer",
        "record/test_ledger.py::test_a_run_whose_process_died_is_settled_when_the_ledger_is_opened",
    ),
    "noise that is not there": (
        "protocols/forms/test_central.py::test_epsilon_holds_at_the_worst_dropouts",
        "protocols/forms/test_central.py::test_noise_that_the_curious_may_know_all_of_is_refused",
        "protocols/test_attackers.py::test_sums",
    ),
    "floating-point noise": (
        "noise/test_samplers.py::test_a_table_is_exactly_its_weights",
        "noise/test_samplers.py::test_exact_laplace",
        "noise/test_samplers.py::test_tables_are_as_near_the_closed_form_as_they_say",
    ),
    "a forged result afterwards": (
        "integration/test_receipt.py::test_a_forged_receipt_is_refused",
        "record/test_receipt.py::test_one_character_changed_anywhere_is_refused",
    ),
    "guessing a result of few possible values": (
        "integration/test_auction.py::test_alice_cannot_find_the_winner_from_carlos_s_statement_by_trying",
        "session/test_nonces.py::test_what_is_shown_to_others_has_no_nonce_of_a_group_they_are_not_in",
    ),
    "a recipient that shows different nonces": (
        "faults/test_peers.py::test_lies_before_the_first_share",
        "session/test_nonces.py::test_a_nonce_or_hash_that_the_hello_did_not_promise_is_refused",
    ),
    "another site in the browser": (
        "ui/test_guard.py::test_only_the_page_itself_is_answered",
        "ui/test_guard.py::test_every_answer_has_the_policy",
        "ui/test_app.py::test_its_files_load_nothing_and_leave_no_hole",
    ),
    "a manifest that is changed between": ("ui/test_app.py::test_what_was_shown_is_what_is_run",),
    # Relayers
    "cuts connections, again and again": (
        "session/test_keeper.py::test_one_cut_after_the_other_at_any_byte_and_the_same_answer",
        "session/test_keeper.py::test_a_party_that_does_not_return_is_lost_after_the_timeout",
    ),
    "takes up another party's link": (
        "transport/test_tls.py::test_a_copied_certificate_without_its_key_opens_nothing",
        "transport/test_tls.py::test_the_server_refuses_another_key",
    ),
    "plays back an earlier connection": (
        "transport/test_tls.py::test_tampering_with_the_handshake_opens_nothing",
        "session/test_keeper.py::test_a_run_begun_anew_after_the_start_ends_the_session_at_once",
    ),
    "a peer that claims another position": ("wire/test_resume.py::test_positions_that_cannot_be",),
    "a peer that acknowledges nothing": ("wire/test_resume.py::test_what_is_kept_is_no_copy",),
    "a second process with a party's key": (
        "session/test_keeper.py::test_a_second_run_is_told_so_in_mid_session_and_the_first_goes_on",
        "integration/test_faults.py::test_a_party_that_connects_twice",
    ),
    "drops messages, acknowledged or not": (
        "transport/test_brokered.py::test_a_lost_packet_ends_both_ends_and_renewing_gives_another_carrier",
        "transport/test_brokered.py::test_a_last_packet_that_was_lost_is_missed_after_some_ticks",
        "session/test_ways.py::test_a_session_survives_a_broker_that_loses_doubles_and_swaps",
        "integration/test_mqtt.py::test_a_broker_that_is_killed_and_started_again_in_mid_vector",
    ),
    "doubles or replays messages": (
        "transport/test_brokered.py::test_doubled_and_replayed_packets_are_left_out",
        "session/test_ways.py::test_a_session_survives_a_broker_that_loses_doubles_and_swaps",
    ),
    "reorders messages": (
        "transport/test_brokered.py::test_packets_out_of_order_end_the_carrier",
        "session/test_ways.py::test_a_session_survives_a_broker_that_loses_doubles_and_swaps",
    ),
    "alters or injects bytes": (
        "session/test_ways.py::test_altered_bytes_end_the_session_and_name_the_network",
        "transport/test_brokered.py::test_what_is_no_packet_or_of_no_member_is_ignored",
    ),
    "says that a party is there, or gone": (
        "transport/test_brokered.py::test_a_flood_of_arrivals_and_of_carriers_is_bounded",
        "transport/test_brokered.py::test_the_last_will_of_a_member_ends_its_carriers_at_once",
    ),
    "gives credit for bytes that were never sent": (
        "transport/test_brokered.py::test_credit_for_what_was_never_sent_ends_the_carrier",
    ),
    "collects logins": (
        "transport/test_mqtt.py::test_a_password_is_for_its_broker_alone",
        "transport/test_mqtt.py::test_certificates_of_the_broker",
    ),
    "watches": (
        "session/test_ways.py::test_a_broker_reads_nothing_of_what_is_sent",
        "transport/test_brokered.py::test_rooms_at_a_broker_have_other_names_than_at_a_relay",
    ),
    "drops, delays or retracts a Hello or a Ready": (
        "faults/test_relayers.py::test_a_relayer_that_lies",
        "session/test_introductions.py::test_late_names_the_missing_and_the_relayer_that_is_silent",
    ),
    "alters one, or puts another certificate with it": (
        "faults/test_relayers.py::test_a_relayer_that_lies",
        "session/test_introductions.py::test_a_relayed_hello_that_does_not_verify_is_the_relayers_violation",
    ),
    "swaps two parties, speaks for a party it does not relay": (
        "faults/test_relayers.py::test_a_relayer_that_lies",
        "session/test_introductions.py::test_a_relayed_ready_that_does_not_verify_is_the_relayers_violation",
    ),
    "says a Hello twice, a Ready before its own": (
        "faults/test_relayers.py::test_a_word_too_many_before_the_first_vector",
        "session/test_introductions.py::test_a_hello_can_be_relayed_once",
    ),
    "replays a Hello that the party signed in an earlier run": (
        "faults/test_relayers.py::test_words_of_an_earlier_session",
    ),
    "replays a Ready of an earlier run": (
        "faults/test_relayers.py::test_words_of_an_earlier_session",
    ),
    "shows two rosters, or two manifests, to two contributors": (
        "session/test_introductions.py::test_a_replayed_hello_gives_another_session_and_no_share",
        "faults/test_relayers.py::test_an_edited_manifest_ends_all",
    ),
}
"""Tests, in tests/, by the beginning of the row in one of the page's tables."""


HEADS = (
    "attack",
    "an attacker",
    "a relayer",
    "the broker, or a client that its rules let write there",
)


def rows():
    """First cells of the tables' rows."""
    cells = re.findall(r"^\| (.+?) \| .*\|$", PAGE.read_text(), re.MULTILINE)
    return [cell for cell in cells if cell not in HEADS]


@cache
def functions(path):
    return {
        node.name
        for node in ast.parse((TOP / "tests" / path).read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_row_has_tests_and_every_entry_a_row():
    left = dict.fromkeys(ATTACKS, 0)
    for row in rows():
        found = [name for name in ATTACKS if row.startswith(name)]
        assert len(found) == 1, row
        left[found[0]] += 1
    assert set(left.values()) == {1}


@pytest.mark.parametrize("attack", ATTACKS)
def test_its_tests_exist(attack):
    for test in ATTACKS[attack]:
        path, _, name = test.partition("::")
        assert name in functions(path)


# --- code in a payload ----------------------------------------------------------------------------

SIGN = "OSTRAKA_TESTS_UNPICKLED"


class Bomb:
    """Runs code where it is unpickled."""

    def __reduce__(self):
        return exec, (f"import os; os.environ['{SIGN}'] = 'yes'",)


def arrays():
    file = io.BytesIO()
    np.save(file, np.array([Bomb()], object), allow_pickle=True)
    return file.getvalue()


def test_a_pickle_runs_nothing(monkeypatch):
    monkeypatch.delenv(SIGN, raising=False)
    whole, schema = pickle.dumps(Bomb()), InputSchema(type=IntType(), min=0, max=1)
    with pytest.raises(PeerViolation):
        decode(whole)
    for reader in (strict_json.parse, decode_entry):
        with pytest.raises(ValueError, match=r"\w"):
            reader(whole)
    for content in (whole, arrays()):
        with pytest.raises(InputError):
            parse_input(content, schema, "x")
    assert SIGN not in os.environ
    pickle.loads(whole)  # what it would have done
    assert os.environ.pop(SIGN) == "yes"


FORBIDDEN = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
CALLS = {"eval", "exec", "compile", "__import__"}


def suspicious_nodes(path):
    """All of a module's code, if one of those names is anywhere in its text."""
    text = path.read_text()
    named = any(name in text for name in FORBIDDEN | CALLS)
    return ast.walk(ast.parse(text)) if named else ()


@pytest.mark.parametrize("room", sorted(p.name for p in (TOP / "src" / "ostraka").iterdir()))
def test_no_module_can_unpickle_or_evaluate(room):
    place = TOP / "src" / "ostraka" / room
    for path in place.rglob("*.py") if place.is_dir() else [place]:
        for node in suspicious_nodes(path) if path.suffix == ".py" else ():
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
                assert not FORBIDDEN & {name.partition(".")[0] for name in names}, path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in CALLS, path
