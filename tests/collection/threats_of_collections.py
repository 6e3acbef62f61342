"""Tests of each row of docs/threats.md about reports that wait at a mailbox."""

OF_COLLECTIONS = {
    "another manifest, roster or sealing key, shown": (
        "test_contribution.py::test_another_manifest_than_the_codes_is_refused",
        "test_contribution.py::test_another_roster_than_the_manifests_is_refused",
        "test_contribution.py::test_a_sealing_statement_of_another_key_is_refused",
    ),
    "a report copied into another collection": (
        "collection/test_report.py::test_every_field_of_the_head_is_bound_into_each_parcel",
        "collection/test_report.py::test_manifest_party_and_pin_are_bound_into_each_parcel",
        "collection/test_report.py::test_the_bad_vectors_are_refused",
    ),
    "a report replaced by the organiser": (
        "test_contribution.py::test_a_code_that_another_device_has_used",
        "collection/test_opening.py::test_the_contributors_signature_may_be_left_for_later",
    ),
    "a mailbox that lists an earlier report": (
        "test_contribution.py::test_a_replacement_whose_answer_was_lost_counts_on",
        "collection/test_inclusion.py::test_a_report_that_was_not_counted_has_no_proof",
    ),
    "a compute party that shows different sealing keys": (
        "test_contribution.py::test_other_sealing_keys_than_last_time_are_refused",
        "collection/test_terms.py::test_the_id_depends_on_the_manifest_and_on_each_key_and_their_order",
    ),
    "a compute party that has the answer": (
        "test_collecting.py::test_a_second_session_counts_no_others_than_an_answer_did",
    ),
    "an organiser that closes with a time": (
        "mailbox/test_papers.py::test_an_order_to_close_drops_no_report_that_was_promised",
        "mailbox/test_papers.py::test_after_the_closing_no_invitation_is_taken_back",
    ),
    "a mailbox that says that a report was counted": (
        "cli/test_collections.py::test_a_mailbox_alone_cannot_say_that_a_report_was_counted",
    ),
    "one host that opens connections": (
        "mailbox/test_app.py::test_one_host_shuts_no_other_out_by_connections",
        "mailbox/test_app.py::test_bodies_together_are_bounded_and_reports_come_in_all_the_same",
        "mailbox/test_app.py::test_an_exchange_that_does_not_end_is_cut_off",
    ),
    "a mailbox that loses, hides, doubles": (
        "faults/test_liars_of_collections.py::test_a_report_that_a_party_gets_later_counts",
        "faults/test_liars_of_collections.py::test_a_report_that_a_party_never_gets_is_left_out_and_counted",
        "faults/test_liars_of_collections.py::test_above_max_unopenable_nothing_is_opened",
        "faults/test_liars_of_collections.py::test_a_mailbox_that_doubles_and_reorders_changes_nothing",
    ),
    "a compute party that refuses reports": (
        "faults/test_liars_of_collections.py::test_false_refusals_stop_and_are_named",
        "faults/test_liars_of_collections.py::test_invented_reports_are_in_no_answer",
        "faults/test_liars_of_collections.py::test_a_party_that_tells_others_different_things_is_found",
    ),
    "a compute party that computes with another parcel": (
        "faults/test_liars_of_collections.py::test_a_wrong_parcel_cannot_be_put_in",
    ),
    "a compute party that is killed while a collection closes": (
        "faults/test_collections.py::"
        "test_killed_at_any_callback_of_closing_they_come_to_one_answer",
        "test_collecting.py::test_an_answer_that_not_all_confirmed_comes_again_the_same",
        "test_collecting.py::test_other_reports_than_were_agreed_on_before_are_refused",
        "test_collecting.py::test_it_is_answered_once",
    ),
    "a contributor that sends what cannot be opened": (
        "faults/test_liars_of_collections.py::test_what_more_parties_refuse_than_may_lie_does_not_count_against_them",
        "faults/test_liars_of_collections.py::test_a_report_that_one_party_cannot_open",
    ),
    "a mailbox that copies reports today": (
        "collection/test_sealing.py::test_sealed_and_opened",
        "collection/test_terms.py::test_the_hybrid_suite_where_all_have_it",
    ),
    "a stolen code": (
        "test_contribution.py::test_a_code_that_another_device_has_used",
        "cli/test_collections.py::test_a_code_that_was_taken_back_is_12",
    ),
}
