"""Every problem an import can report: its stable code, its weight, what to say and how to mend it.

The texts are Vietnamese, for the school's clerk.  The answers to the troubles of real spreadsheets follow the rule that
nothing is guessed: what cannot be read or contradicts itself holds the pupil back; what is only unusual is a warning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from transcript_core.records import Severity


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One kind of problem.  `what` and `remedy` are templates of `str.format`."""

    severity: Severity
    what: str
    remedy: str


def _error(what: str, remedy: str) -> ProblemKind:
    return ProblemKind(Severity.ERROR, what, remedy)


def _warning(what: str, remedy: str) -> ProblemKind:
    return ProblemKind(Severity.WARNING, what, remedy)


_FILES: Final = {
    "folder-empty": _error(
        "Thư mục không có tệp .xlsx nào.", "Chọn đúng thư mục chứa các tệp xuất từ phần mềm quản lí trường học."
    ),
    "too-many-files": _error(
        "Thư mục có {count} tệp bảng tính, nhiều hơn mức cho phép {limit}.",
        "Chỉ để trong thư mục các tệp của một năm học của một trường.",
    ),
    "workbook-empty": _error("Tệp rỗng (0 byte).", "Xuất lại tệp từ phần mềm, hoặc đưa tệp ra khỏi thư mục."),
    "workbook-unreadable": _error("Không mở được tệp.", "Kiểm tra quyền đọc tệp và đóng chương trình đang giữ tệp."),
    "workbook-encrypted": _error("Tệp được đặt mật khẩu.", "Bỏ mật khẩu của tệp rồi lưu lại dạng .xlsx."),
    "workbook-damaged": _error("Tệp bị hỏng, không đọc được nội dung.", "Xuất lại tệp từ phần mềm rồi nhập lại."),
    "workbook-format": _error(
        "Tệp không phải là bảng tính dạng .xlsx.", "Mở tệp rồi lưu lại dạng .xlsx, hoặc đưa tệp ra khỏi thư mục."
    ),
    "workbook-too-large": _error(
        "Tệp quá lớn so với mức cho phép.", "Xóa hình ảnh và trang tính thừa trong tệp, hoặc tách thành nhiều tệp."
    ),
    "sheet-too-large": _error(
        "Trang tính có quá nhiều hàng hoặc cột.", "Xóa các hàng, cột thừa (kể cả ô trống có định dạng) rồi lưu lại."
    ),
    "sheet-not-recognised": _warning(
        "Trang tính không giống mẫu nào đã biết nên không được đọc.",
        "Nếu trang này có dữ liệu cần nhập, sửa hàng tiêu đề theo mẫu của ngành.",
    ),
    "sheet-hidden": _warning(
        "Trang tính bị ẩn nên không được đọc.", "Bỏ ẩn trang nếu cần nhập dữ liệu, hoặc xóa trang khỏi tệp."
    ),
    "column-missing": _error(
        "Bảng ({layout}) thiếu cột: {columns}.", "Thêm cột còn thiếu hoặc sửa tên cột cho đúng mẫu của ngành."
    ),
    "column-twice": _error(
        "Cột “{column}” xuất hiện hai lần.", "Xóa hoặc đổi tên một trong hai cột để chỉ còn một cột."
    ),
    "column-unknown": _warning(
        "Không biết cột “{column}” nên cột này không được đọc.",
        "Nếu cột có dữ liệu cần nhập, sửa tên cột cho đúng mẫu của ngành; nếu không thì bỏ qua.",
    ),
    "table-empty": _warning("Bảng không có hàng dữ liệu nào.", "Kiểm tra lại tệp xuất; bỏ qua nếu bảng không cần."),
    "layout-missing": _error("Thư mục không có {layout}.", "Đưa tệp {layout} của trường vào thư mục."),
    "layout-other-level": _error(
        "Bảng là mẫu ({layout}) không dùng cho cấp học của trường.",
        "Chọn đúng cấp học khi nhập, hoặc đưa tệp ra khỏi thư mục.",
    ),
    "school-contradicts": _error(
        "Tên trường “{found}” khác với tên trường “{expected}” trong các tệp khác.",
        "Đưa tệp của trường khác ra khỏi thư mục, hoặc sửa dòng tên trường.",
    ),
    "school-name-missing": _warning(
        "Không tệp nào ghi tên trường ở các dòng đầu bảng.", "Thêm dòng tên trường ở đầu danh sách học sinh."
    ),
    "year-contradicts": _error(
        "Năm học {found} khác với năm học {expected} trong các tệp khác.",
        "Chỉ để trong thư mục các tệp của cùng một năm học.",
    ),
    "year-unsupported": _error(
        "Không có quy định đánh giá nào cho năm học {year} và cấp học này.", "Kiểm tra lại năm học và cấp học."
    ),
    "year-missing": _error(
        "Không tệp nào ghi năm học.", "Ghi năm học (ví dụ: NĂM HỌC 2025-2026) ở dòng đầu danh sách học sinh."
    ),
    "total-contradicts": _warning(
        "Dòng tổng ghi {stated} học sinh nhưng bảng có {counted} hàng.", "Kiểm tra xem danh sách có thiếu học sinh."
    ),
}

_SUBJECTS: Final = {
    "subject-missing": _error(
        "Không biết bảng điểm này của môn nào.", "Ghi tên môn ở dòng đầu bảng (BẢNG ĐIỂM MÔN …) hoặc ở tên tệp."
    ),
    "subject-unknown": _error(
        "Không có môn học “{subject}” trong chương trình của cấp học.", "Sửa lại tên môn học cho đúng."
    ),
    "subject-contradicts": _error(
        "Dòng tiêu đề, tên trang và tên tệp chỉ các môn khác nhau: {found}.",
        "Sửa cho tên tệp và dòng tiêu đề cùng chỉ một môn.",
    ),
    "subject-component": _error(
        "“{subject}” chỉ là một phần của môn {whole}, không có kết quả riêng.",
        "Nhập một bảng điểm chung cho môn {whole}.",
    ),
    "subject-other-grade": _error(
        "Môn {subject} không có trong chương trình của lớp {class_name}.", "Kiểm tra lại môn học và lớp."
    ),
    "term-missing": _error(
        "Không biết bảng này của học kì nào.", "Ghi học kì ở dòng đầu bảng, ở tên tệp hoặc ở tên thư mục."
    ),
    "term-contradicts": _error(
        "Dòng tiêu đề, tên tệp và tên thư mục chỉ các học kì khác nhau: {found}.",
        "Sửa cho tiêu đề, tên tệp và thư mục cùng chỉ một học kì.",
    ),
    "layout-contradicts-subject": _error(
        "Môn {subject} {kind} nhưng bảng lại là mẫu ({layout}).", "Dùng đúng mẫu bảng của môn học này."
    ),
    "sheet-missing": _error(
        "Không có bảng điểm môn {subject} học kì {term} (các lớp {classes}).",
        "Đưa bảng điểm của môn và học kì này vào thư mục, hoặc sửa phân công giảng dạy.",
    ),
    "class-not-in-sheet": _error(
        "Bảng điểm môn {subject} học kì {term} không có học sinh nào của lớp {class_name}.",
        "Thêm các hàng của lớp này vào bảng, hoặc đưa bảng điểm của lớp vào thư mục.",
    ),
    "term-2-absent": _warning(
        "Chưa có bảng điểm nào của học kì II.", "Khi kết thúc năm học, thêm bảng điểm học kì II rồi nhập lại."
    ),
    "year-incomplete": _error(
        "Năm học đã kết thúc nhưng không có bảng điểm nào của học kì II.", "Đưa các bảng điểm học kì II vào thư mục."
    ),
    "elective-count": _warning(
        "Học sinh học {count} môn lựa chọn, theo quy định là {expected}.", "Kiểm tra lại các môn học sinh đã chọn."
    ),
    "study-topic-count": _warning(
        "Học sinh có {count} cụm chuyên đề, theo quy định là {expected}.", "Kiểm tra lại trang “Chuyên đề”."
    ),
}

_STAFF: Final = {
    "staff-code-missing": _error("Giáo viên, nhân viên không có mã định danh.", "Điền mã định danh Bộ GD&ĐT."),
    "staff-twice": _error("Mã định danh {code} có hai lần trong danh sách.", "Xóa hàng thừa hoặc sửa lại mã."),
    "staff-name-missing": _error("Thiếu họ tên của giáo viên, nhân viên.", "Điền họ tên."),
    "staff-not-working": _warning(
        "Người được phân công có trạng thái “{status}”.", "Kiểm tra lại phân công hoặc trạng thái của giáo viên."
    ),
    "principal-count": _warning(
        "Danh sách có {count} hiệu trưởng.", "Kiểm tra cột vị trí việc làm; mỗi trường có một hiệu trưởng."
    ),
    "teacher-unknown": _error(
        "Không có giáo viên “{teacher}” trong danh sách cán bộ, giáo viên.", "Sửa mã hoặc bổ sung giáo viên."
    ),
    "teacher-ambiguous": _error(
        "Có {count} người cùng tên “{teacher}” và hàng phân công không ghi mã.", "Điền mã định danh của giáo viên."
    ),
    "teacher-contradicts": _error(
        "Mã {code} là của “{expected}” nhưng hàng phân công ghi “{found}”.", "Sửa lại mã hoặc họ tên giáo viên."
    ),
    "assignment-class-unknown": _error(
        "Phân công cho lớp “{class_name}” nhưng danh sách không có học sinh nào của lớp này.",
        "Sửa tên lớp, hoặc bổ sung học sinh của lớp.",
    ),
    "assignment-class-missing": _error("Hàng phân công không ghi lớp.", "Điền tên lớp."),
    "assignment-subject-missing": _error(
        "Hàng phân công không ghi môn học và cũng không phải chủ nhiệm.", "Điền môn học hoặc xóa hàng."
    ),
    "assignment-twice": _warning("Phân công này đã có ở hàng khác.", "Xóa hàng trùng."),
    "assignment-missing": _error(
        "Lớp {class_name} có điểm môn {subject} nhưng không ai được phân công dạy.",
        "Bổ sung phân công giảng dạy của môn này.",
    ),
    "compulsory-subject-missing": _error(
        "Lớp {class_name} không có phân công và cũng không có điểm của môn bắt buộc {subject}.",
        "Bổ sung phân công giảng dạy và bảng điểm của môn này.",
    ),
    "homeroom-missing": _error(
        "Lớp {class_name} không có giáo viên chủ nhiệm.", "Đánh dấu x ở cột chủ nhiệm của một giáo viên."
    ),
    "homeroom-twice": _error(
        "Lớp {class_name} có {count} giáo viên chủ nhiệm.", "Chỉ để dấu x cho một giáo viên chủ nhiệm."
    ),
    "homeroom-unclear": _error(
        "Không hiểu ô chủ nhiệm “{found}”.", "Ghi x nếu là giáo viên chủ nhiệm của lớp ở hàng đó, nếu không để trống."
    ),
    "stand-in-missing": _error(
        "Có lí do hoặc quyết định ký thay nhưng không ghi người ký thay.", "Ghi mã định danh của người ký thay."
    ),
    "stand-in-reason-missing": _error(
        "Có người ký thay nhưng không ghi lí do.", "Ghi lí do giáo viên không tự ký được."
    ),
    "stand-in-decision-missing": _error(
        "Có người ký thay nhưng không ghi quyết định.", "Ghi số và ngày của quyết định cho phép ký thay."
    ),
    "stand-in-self": _error("Giáo viên không thể ký thay chính mình.", "Ghi mã của người khác, hoặc xóa ô."),
    "stand-in-twice": _error(
        "Có hai cách ký thay khác nhau cho cùng một giáo viên và môn học của lớp.", "Chỉ giữ lại một người ký thay."
    ),
    "stand-in-without-slot": _error(
        "Học bạ cấp tiểu học không có chữ ký của giáo viên môn học nên không có gì để ký thay ở hàng này.",
        "Ghi người ký thay ở hàng của giáo viên chủ nhiệm, hoặc xóa ô.",
    ),
}

_PUPILS: Final = {
    "pupil-code-missing": _error(
        "Học sinh {name} không có mã định danh.", "Điền mã định danh Bộ GD&ĐT của học sinh vào danh sách."
    ),
    "pupil-code-format": _error(
        "Mã định danh “{code}” không phải là 10 chữ số.", "Sửa lại mã định danh Bộ GD&ĐT của học sinh."
    ),
    "pupil-code-zero": _warning(
        "Mã định danh {code} mất số 0 ở đầu vì ô được lưu dạng số.", "Định dạng cột mã là văn bản rồi nhập lại mã."
    ),
    "pupil-code-province": _warning(
        "Hai chữ số đầu của mã định danh {code} không phải mã tỉnh.", "Kiểm tra lại mã định danh Bộ GD&ĐT."
    ),
    "pupil-twice": _error(
        "Học sinh có mã {code} xuất hiện hai lần (hàng {rows}).", "Xóa hàng thừa hoặc sửa lại mã định danh."
    ),
    "pupil-name-missing": _error("Thiếu họ tên học sinh.", "Điền họ tên học sinh."),
    "pupil-not-enrolled": _warning(
        "Học sinh có trạng thái “{status}” nên không được nhập.", "Sửa trạng thái nếu học sinh vẫn đang học."
    ),
    "birth-date-missing": _error("Thiếu ngày sinh.", "Điền ngày sinh (ngày/tháng/năm)."),
    "birth-date-unlikely": _warning(
        "Ngày sinh {found} không phù hợp với khối {grade}.", "Kiểm tra lại ngày sinh của học sinh."
    ),
    "gender-unclear": _warning("Không rõ giới tính “{found}”.", "Ghi Nam hoặc Nữ."),
    "class-missing": _error("Học sinh chưa được xếp lớp.", "Điền tên lớp của học sinh."),
    "class-without-grade": _error(
        "Không biết lớp “{class_name}” thuộc khối nào.", "Điền cột khối học, hoặc sửa tên lớp (ví dụ: 7A2)."
    ),
    "class-other-level": _error(
        "Lớp {class_name} (khối {grade}) không thuộc cấp học của trường.", "Sửa lại lớp, khối hoặc chọn đúng cấp học."
    ),
    "grade-contradicts-class": _error(
        "Cột khối ghi “{found}” nhưng lớp {class_name} thuộc khối {grade}.", "Sửa lại lớp hoặc khối của học sinh."
    ),
    "personal-id-pending": _warning(
        "Học sinh chưa có số định danh cá nhân; học bạ ghi “chờ bổ sung”.", "Bổ sung số định danh cá nhân khi có."
    ),
    "personal-id-format": _warning(
        "Số định danh cá nhân không phải là 12 chữ số nên được coi là chưa có.", "Sửa lại số định danh cá nhân."
    ),
    "personal-id-zero": _warning(
        "Số định danh cá nhân mất số 0 ở đầu vì ô được lưu dạng số; đã thêm lại.", "Định dạng cột này là văn bản."
    ),
    "personal-id-inconsistent": _warning(
        "Số định danh cá nhân không khớp với dữ liệu khác: {detail}.", "Đối chiếu lại với giấy khai sinh, căn cước."
    ),
    "personal-id-twice": _warning(
        "Số định danh cá nhân này có ở nhiều học sinh (hàng {rows}).", "Kiểm tra lại số của từng học sinh."
    ),
    "lifelong-code-twice": _error(
        "Mã số hồ sơ học tập suốt đời này có ở nhiều học sinh (hàng {rows}).", "Sửa lại mã của từng học sinh."
    ),
    "external-id-twice": _error(
        "Mã định danh học bạ này có ở nhiều học sinh (hàng {rows}).", "Sửa lại mã của từng học sinh."
    ),
}

_MATCHING: Final = {
    "pupil-unknown": _error(
        "Mã định danh {code} không có trong danh sách học sinh.", "Sửa lại mã, hoặc bổ sung học sinh vào danh sách."
    ),
    "pupil-code-wrong": _error(
        "Mã định danh {code} không có trong danh sách, nhưng họ tên và ngày sinh khớp với học sinh có mã {expected}.",
        "Sửa lại mã định danh ở hàng này.",
    ),
    "pupil-not-matched": _error(
        "Hàng không có mã định danh và không học sinh nào trong danh sách trùng cả họ tên lẫn ngày sinh.",
        "Điền mã định danh của học sinh ở hàng này.",
    ),
    "pupil-ambiguous": _error(
        "Hàng không có mã định danh mà có {count} học sinh trùng cả họ tên lẫn ngày sinh.",
        "Điền mã định danh của học sinh ở hàng này.",
    ),
    "name-contradicts": _error(
        "Mã {code} là của “{expected}” nhưng hàng này ghi “{found}”.", "Sửa lại mã hoặc họ tên ở hàng này."
    ),
    "birth-date-contradicts": _warning(
        "Ngày sinh {found} khác với danh sách học sinh ({expected}).", "Sửa cho hai tệp giống nhau."
    ),
    "class-contradicts": _warning(
        "Hàng ghi lớp “{found}” nhưng danh sách học sinh ghi lớp {expected}.", "Sửa cho hai tệp giống nhau."
    ),
    "class-contradicts-no-code": _error(
        "Hàng không có mã, ghi lớp “{found}” nhưng học sinh trùng họ tên và ngày sinh học lớp {expected}.",
        "Điền mã định danh, hoặc sửa lại lớp ở hàng này.",
    ),
    "class-unknown": _error(
        "Danh sách học sinh không có lớp “{found}”.", "Sửa lại tên lớp ở hàng này cho đúng danh sách học sinh."
    ),
    "row-without-identity": _error(
        "Hàng có dữ liệu nhưng không có mã định danh và họ tên.", "Điền mã định danh hoặc xóa hàng."
    ),
    "row-twice": _error("Học sinh có hai hàng trong bảng này (hàng {rows}).", "Chỉ giữ lại một hàng đúng."),
    "row-missing": _error(
        "Học sinh {who} có trong danh sách nhưng không có trong bảng này.", "Thêm hàng của học sinh vào bảng."
    ),
}

_VALUES: Final = {
    "cell-error": _error("Ô báo lỗi {found} của Excel.", "Sửa công thức hoặc nhập trực tiếp giá trị."),
    "formula-without-value": _error(
        "Ô có công thức nhưng tệp không lưu giá trị đã tính.", "Mở tệp bằng Excel, lưu lại, hoặc nhập giá trị."
    ),
    "mark-unreadable": _error("Không đọc được điểm “{found}”.", "Nhập điểm bằng số từ 0 đến 10."),
    "mark-out-of-range": _error("Điểm {found} nằm ngoài thang 0 đến 10.", "Sửa lại điểm."),
    "mark-too-precise": _error(
        "Điểm {found} có hơn một chữ số thập phân.", "Nhập số nguyên hoặc số có một chữ số thập phân."
    ),
    "level-where-mark-belongs": _error("Ô điểm lại ghi mức “{found}”.", "Nhập điểm bằng số từ 0 đến 10."),
    "mark-where-level-belongs": _error("Ô mức đánh giá lại ghi điểm {found}.", "Nhập mức: {levels}."),
    "level-unreadable": _error("Không hiểu mức đánh giá “{found}”.", "Nhập một trong các mức: {levels}."),
    "test-mark-unreadable": _error(
        "Điểm kiểm tra định kì “{found}” không phải là số nguyên từ 1 đến 10.", "Sửa lại điểm kiểm tra."
    ),
    "date-unreadable": _error("Không đọc được ngày “{found}”.", "Ghi ngày theo dạng ngày/tháng/năm, ví dụ 08/02/2014."),
    "count-unreadable": _error("“{found}” không phải là số lần nghỉ.", "Nhập số nguyên từ 0 trở lên."),
    "count-negative": _error("Số buổi nghỉ {found} là số âm.", "Nhập số nguyên từ 0 trở lên."),
    "count-too-large": _error("Số buổi nghỉ {found} nhiều hơn số buổi của năm học.", "Kiểm tra lại số buổi nghỉ."),
    "count-missing": _warning("Ô số buổi nghỉ để trống, được tính là 0.", "Ghi 0 nếu học sinh không nghỉ."),
    "measure-unreadable": _error(
        "“{found}” không phải là {measure} hợp lí.", "Nhập chiều cao bằng cm, cân nặng bằng kg."
    ),
    "text-too-long": _error("Nội dung dài {length} kí tự, nhiều hơn mức {limit}.", "Rút ngắn nội dung."),
    "text-forbidden": _error("Nội dung có kí tự không dùng được ({found}).", "Gõ lại nội dung của ô."),
    "code-not-text": _error(
        "Mã “{found}” được lưu dạng số nên có thể đã mất số 0 ở đầu hoặc các chữ số cuối.",
        "Định dạng ô là văn bản rồi nhập lại mã.",
    ),
    "code-unreadable": _error(
        "“{found}” không phải là một mã (chữ không dấu, chữ số, dấu chấm, dấu nối; không quá 20 kí tự).",
        "Sửa lại mã.",
    ),
    "school-year-unreadable": _error("Không đọc được năm học “{found}”.", "Ghi năm học, ví dụ 2024-2025."),
    "decision-unreadable": _error("Không hiểu quyết định “{found}”.", "Ghi một trong các quyết định: {decisions}."),
    "flag-unclear": _error("Không hiểu ô “{found}”.", "Ghi x nếu có, nếu không để trống."),
}

_RESULTS: Final = {
    "mark-missing": _error("Thiếu {which} học kì {term} của môn {subject}.", "Nhập điểm còn thiếu."),
    "level-missing": _error("Thiếu mức đánh giá học kì {term} của môn {subject}.", "Nhập mức đánh giá còn thiếu."),
    "term-marks-missing": _error("Thiếu toàn bộ kết quả học kì {term} của môn {subject}.", "Nhập kết quả học kì này."),
    "average-contradicts-marks": _error(
        "ĐTBmhk ghi {stated} nhưng tính từ các điểm là {computed}.", "Sửa điểm hoặc sửa điểm trung bình."
    ),
    "year-average-contradicts": _error(
        "ĐTBmcn ghi {stated} nhưng tính từ hai học kì là {computed}.", "Sửa điểm hoặc sửa điểm trung bình cả năm."
    ),
    "too-many-regular-marks": _warning(
        "Có {count} điểm ĐĐGtx, môn {subject} quy định {expected}.", "Kiểm tra lại số điểm thường xuyên."
    ),
    "too-few-regular-marks": _warning(
        "Chỉ có {count} điểm ĐĐGtx, môn {subject} quy định {expected}.", "Bổ sung điểm thường xuyên còn thiếu."
    ),
    "test-mark-missing": _error(
        "Thiếu điểm kiểm tra định kì học kì {term} của môn {subject}.", "Nhập điểm kiểm tra định kì."
    ),
    "training-missing": _error("Thiếu kết quả rèn luyện học kì {term}.", "Nhập kết quả rèn luyện còn thiếu."),
    "quality-missing": _error("Thiếu mức đánh giá “{quality}”.", "Nhập mức đánh giá còn thiếu."),
    "comment-missing": _error(
        "Thiếu nhận xét của giáo viên chủ nhiệm.", "Giáo viên chủ nhiệm ghi nhận xét trước khi khóa học bạ."
    ),
    "comment-missing-term-1": _warning(
        "Chưa có nhận xét của giáo viên chủ nhiệm.", "Giáo viên chủ nhiệm ghi nhận xét trước khi khóa học bạ."
    ),
    "reassessment-twice": _error(
        "Môn {subject} có hai kết quả đánh giá lại khác nhau.", "Chỉ giữ lại một kết quả đánh giá lại."
    ),
    "study-topic-incomplete": _error("Hàng chuyên đề không ghi tên chuyên đề.", "Điền tên cụm chuyên đề."),
}

_ADDITIONS: Final = {
    "addition-twice": _warning("Nội dung “{found}” đã có ở chỗ khác nên chỉ được tính một lần.", "Xóa nội dung trùng."),
    "addition-other-level": _error(
        "Học bạ của cấp học này không có mục “{column}”.", "Xóa ô, hoặc ghi nội dung vào cột “Khen thưởng khác”."
    ),
    "additions-too-many": _error("Học sinh có {count} mục, nhiều hơn mức {limit}.", "Chỉ giữ lại các mục chính."),
    "award-is-title": _error(
        "“{found}” là danh hiệu được xét từ kết quả cả năm, không nhập ở cột này.",
        "Xóa nội dung; danh hiệu được ghi tự động khi học sinh đủ điều kiện.",
    ),
    "decision-not-due": _error(
        "Hiệu trưởng chỉ quyết định việc lên lớp của học sinh được đánh dấu không đánh giá.",
        "Xóa quyết định, hoặc đánh dấu x ở cột “Khuyết tật không đánh giá” của danh sách học sinh.",
    ),
    "decision-twice": _error("Học sinh có hai quyết định khác nhau về việc lên lớp.", "Chỉ giữ lại một quyết định."),
    "decision-pending": _warning(
        "Học sinh không đánh giá chưa có quyết định của hiệu trưởng về việc lên lớp nên chưa lập được học bạ.",
        "Ghi quyết định ở bảng bổ sung rồi nhập lại.",
    ),
    "transfer-incomplete": _error("Hàng kết quả chuyển trường thiếu {which}.", "Điền phần còn thiếu hoặc xóa hàng."),
    "transfer-twice": _error(
        "Môn {subject} có hai kết quả chuyển trường khác nhau.", "Chỉ giữ lại một kết quả chuyển trường."
    ),
    "transfer-contradicts": _error(
        "Môn {subject} vừa có kết quả học kì I của trường khác vừa có điểm học kì I của trường này.",
        "Xóa kết quả ở một trong hai bảng.",
    ),
    "history-incomplete": _error("Hàng quá trình học tập thiếu {which}.", "Điền phần còn thiếu hoặc xóa hàng."),
    "history-in-future": _error("Năm học {found} sau năm học đang nhập ({year}).", "Sửa lại năm học, hoặc xóa hàng."),
}

KINDS: Final = {**_FILES, **_SUBJECTS, **_STAFF, **_PUPILS, **_MATCHING, **_VALUES, **_RESULTS, **_ADDITIONS}
